// Puts of whole values.
#include "capi/batch.h"

using namespace aquifer;
using namespace aquifer::capi;

aquifer_status_t aquifer_put(aquifer_client_t* client, aquifer_text_t key,
                             const aquifer_const_piece_t* pieces, std::size_t piece_count,
                             const aquifer_put_options_t* options) {
  const aquifer_put_item_t item{key, pieces, piece_count, {}};
  aquifer_status_t status = AQUIFER_OK;
  aquifer_put_batch(client, &item, 1, options, &status);
  return status;
}

aquifer_status_t aquifer_put_batch(aquifer_client_t* client, const aquifer_put_item_t* items,
                                   std::size_t count, const aquifer_put_options_t* options,
                                   aquifer_status_t* statuses) {
  return run_batch(client, items, count, statuses, [&]() -> Answers<Status> {
    const auto call = read(options);
    if (call.refused != nullptr) {
      return {.refused = call.refused};
    }
    const auto batch = items_of(items, count, call.value.parent);
    return {client->client.put_batch(batch.items, call.value.options), nullptr, batch.null_bytes};
  });
}
