// Puts that are written range by range.
#include "capi/batch.h"
#include "capi/handle_batch.h"

using namespace aquifer;
using namespace aquifer::capi;

namespace {

constexpr std::uint32_t kLifetimeMs = 60'000;

std::chrono::milliseconds lifetime_of(std::uint32_t milliseconds) {
  return std::chrono::milliseconds(milliseconds == 0 ? kLifetimeMs : milliseconds);
}

}  // namespace

aquifer_status_t aquifer_open_put(aquifer_client_t* client, aquifer_text_t key, std::uint64_t bytes,
                                  const aquifer_put_options_t* options, std::uint32_t lifetime_ms,
                                  aquifer_pending_put_t** put) {
  const aquifer_open_item_t item{key, bytes, {}};
  aquifer_status_t status = AQUIFER_OK;
  aquifer_open_put_batch(client, &item, 1, options, lifetime_ms, put, &status);
  return status;
}

aquifer_status_t aquifer_open_put_batch(aquifer_client_t* client, const aquifer_open_item_t* items,
                                        std::size_t count, const aquifer_put_options_t* options,
                                        std::uint32_t lifetime_ms, aquifer_pending_put_t** puts,
                                        aquifer_status_t* statuses) {
  return run_handle_batch(client, items, count, puts, statuses, [&]() -> Answers<Status> {
    const auto call = read(options);
    if (call.refused != nullptr) {
      return {.refused = call.refused};
    }
    const auto batch = items_of(items, count, call.value.parent);
    auto opened =
        client->client.open_put_batch(batch.items, call.value.options, lifetime_of(lifetime_ms));
    return {give_out(std::move(opened), puts), nullptr, batch.null_bytes};
  });
}

std::uint64_t aquifer_pending_put_bytes(const aquifer_pending_put_t* put) {
  return put == nullptr ? 0 : put->put.bytes();
}

aquifer_status_t aquifer_pending_put_write(aquifer_pending_put_t* put, std::uint64_t offset,
                                           const aquifer_const_piece_t* pieces,
                                           std::size_t piece_count, std::uint32_t timeout_ms) {
  if (put == nullptr || (pieces == nullptr && piece_count != 0)) {
    return AQUIFER_INVALID_ARGUMENT;
  }
  return guard([&] {
    return static_cast<aquifer_status_t>(put->put.write(offset, pieces_of(pieces, piece_count),
                                                        std::chrono::milliseconds(timeout_ms)));
  });
}

aquifer_status_t aquifer_pending_put_commit(aquifer_pending_put_t* put, std::uint32_t timeout_ms) {
  if (put == nullptr) {
    return AQUIFER_INVALID_ARGUMENT;
  }
  return guard([&] {
    return static_cast<aquifer_status_t>(put->put.commit(std::chrono::milliseconds(timeout_ms)));
  });
}

void aquifer_pending_put_abort(aquifer_pending_put_t* put) {
  if (put != nullptr) {
    guard([&] {
      put->put.abort();
      return AQUIFER_OK;
    });
  }
}

void aquifer_pending_put_free(aquifer_pending_put_t* put) { delete put; }
