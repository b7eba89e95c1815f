// Values looked at in place.
#include "capi/handle_batch.h"

using namespace aquifer;
using namespace aquifer::capi;

aquifer_status_t aquifer_view(aquifer_client_t* client, aquifer_text_t key,
                              const aquifer_call_options_t* options, aquifer_view_t** view) {
  aquifer_status_t status = AQUIFER_OK;
  aquifer_view_batch(client, &key, 1, options, view, &status);
  return status;
}

aquifer_status_t aquifer_view_batch(aquifer_client_t* client, const aquifer_text_t* keys,
                                    std::size_t count, const aquifer_call_options_t* options,
                                    aquifer_view_t** views, aquifer_status_t* statuses) {
  return run_handle_batch(client, keys, count, views, statuses, [&]() -> Answers<Status> {
    const auto call = read(options);
    if (call.refused != nullptr) {
      return {.refused = call.refused};
    }
    const auto batch = keys_of(keys, count);
    return {give_out(client->client.view_batch(batch.items, call.value), views), nullptr,
            batch.null_bytes};
  });
}

const aquifer_const_piece_t* aquifer_view_pieces(const aquifer_view_t* view, std::size_t* count) {
  const auto pieces = view == nullptr ? std::span<const ConstPiece>() : view->view.pieces();
  if (count != nullptr) {
    *count = pieces.size();
  }
  return from_pieces(pieces);
}

std::uint64_t aquifer_view_bytes(const aquifer_view_t* view) {
  return view == nullptr ? 0 : view->view.bytes();
}

bool aquifer_view_is_copy(const aquifer_view_t* view) {
  return view != nullptr && view->view.is_copy();
}

aquifer_status_t aquifer_view_verify(const aquifer_view_t* view) {
  if (view == nullptr) {
    return AQUIFER_INVALID_ARGUMENT;
  }
  return guard([&] { return static_cast<aquifer_status_t>(view->view.verify()); });
}

void aquifer_view_release(aquifer_view_t* view) { delete view; }
