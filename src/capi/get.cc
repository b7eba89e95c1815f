// Gets into the caller's memory, and into fresh memory.
#include <algorithm>
#include <chrono>
#include <cstdlib>

#include "capi/batch.h"

using namespace aquifer;
using namespace aquifer::capi;

namespace {

using Steady = std::chrono::steady_clock;

struct FreeMemory {
  void operator()(void* memory) const { std::free(memory); }
};
using Memory = std::unique_ptr<void, FreeMemory>;

// What is left of one deadline for the next of several calls; at least a moment, because zero
// would mean the client's own timeout.
class TimeLeft {
 public:
  TimeLeft(const aquifer_client_t& client, CallOptions call)
      : call_(call),
        end_(Steady::now() + (call.timeout.count() == 0 ? client.timeout : call.timeout)) {}
  CallOptions call() {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(end_ - Steady::now());
    call_.timeout = std::max(left, std::chrono::milliseconds(1));
    return call_;
  }

 private:
  CallOptions call_;
  Steady::time_point end_;
};

// The size first, then the bytes; the size may change between the two when the object is replaced:
// then once more.
aquifer_status_t get_fresh(aquifer_client_t& client, std::string_view key, TimeLeft time,
                           Memory& value, std::uint64_t& bytes) {
  for (int round = 0; round < 3; ++round) {
    const GetOutcome found = client.client.locate_batch({&key, 1}, time.call()).front();
    if (found.status != Status::kOk) {
      return client.answered(found.status);
    }
    value.reset(std::malloc(found.bytes));
    if (value == nullptr) {
      return client.refuse(kNoMemory);
    }
    const Piece piece{value.get(), found.bytes};
    const GetOutcome got = client.client.get_into(key, {&piece, 1}, time.call());
    if (got.status == Status::kOk) {
      bytes = got.bytes;
      return AQUIFER_OK;
    }
    if (got.status != Status::kTooSmall) {
      return client.answered(got.status);
    }
  }
  return client.answered(Status::kBusy);
}

}  // namespace

aquifer_status_t aquifer_get_into(aquifer_client_t* client, aquifer_text_t key,
                                  const aquifer_piece_t* pieces, std::size_t piece_count,
                                  const aquifer_call_options_t* options, std::uint64_t* bytes) {
  const aquifer_get_item_t item{key, pieces, piece_count};
  aquifer_get_outcome_t outcome{};
  aquifer_get_batch(client, &item, 1, options, &outcome);
  if (bytes != nullptr) {
    *bytes = outcome.bytes;
  }
  return outcome.status;
}

aquifer_status_t aquifer_get_batch(aquifer_client_t* client, const aquifer_get_item_t* items,
                                   std::size_t count, const aquifer_call_options_t* options,
                                   aquifer_get_outcome_t* outcomes) {
  return run_batch(client, items, count, outcomes, [&]() -> Answers<GetOutcome> {
    const auto call = read(options);
    if (call.refused != nullptr) {
      return {.refused = call.refused};
    }
    const auto batch = items_of(items, count);
    return {client->client.get_batch(batch.items, call.value), nullptr, batch.null_bytes};
  });
}

aquifer_status_t aquifer_get_range(aquifer_client_t* client, aquifer_text_t key,
                                   std::uint64_t offset, const aquifer_piece_t* pieces,
                                   std::size_t piece_count, const aquifer_call_options_t* options,
                                   std::uint64_t* bytes) {
  const aquifer_range_item_t item{key, offset, pieces, piece_count};
  aquifer_get_outcome_t outcome{};
  aquifer_get_range_batch(client, &item, 1, options, &outcome);
  if (bytes != nullptr) {
    *bytes = outcome.bytes;
  }
  return outcome.status;
}

aquifer_status_t aquifer_get_range_batch(aquifer_client_t* client,
                                         const aquifer_range_item_t* items, std::size_t count,
                                         const aquifer_call_options_t* options,
                                         aquifer_get_outcome_t* outcomes) {
  return run_batch(client, items, count, outcomes, [&]() -> Answers<GetOutcome> {
    const auto call = read(options);
    if (call.refused != nullptr) {
      return {.refused = call.refused};
    }
    const auto batch = items_of(items, count);
    return {client->client.get_range_batch(batch.items, call.value), nullptr, batch.null_bytes};
  });
}

aquifer_status_t aquifer_get(aquifer_client_t* client, aquifer_text_t key,
                             const aquifer_call_options_t* options, void** value,
                             std::uint64_t* bytes) {
  Memory fresh;
  std::uint64_t size = 0;
  const aquifer_status_t status = guard(client, [&] {
    const auto call = read(options);
    if (call.refused != nullptr) {
      return client->refuse(*call.refused);
    }
    if (!is_text(key)) {
      return client->refuse(kNullBytes);
    }
    if (value == nullptr || bytes == nullptr) {
      return client->refuse(kNullAnswer);
    }
    return get_fresh(*client, view_of(key), TimeLeft(*client, call.value), fresh, size);
  });
  if (value != nullptr) {
    *value = status == AQUIFER_OK ? fresh.release() : nullptr;
  }
  if (bytes != nullptr) {
    *bytes = size;
  }
  return status;
}

void aquifer_free(void* value) { std::free(value); }
