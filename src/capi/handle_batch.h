// Batches that give out handles beside the statuses: views and open puts.
#pragma once

#include <new>
#include <utility>
#include <vector>

#include "capi/batch.h"

namespace aquifer::capi {

/// As run_batch; all handles are null before `run` begins, so that whatever fails leaves none that
/// nobody has made.
template <class Item, class Handle, class Run>
aquifer_status_t run_handle_batch(const aquifer_client_t* client, const Item* items,
                                  std::size_t count, Handle** handles, aquifer_status_t* statuses,
                                  Run run) noexcept {
  if (handles != nullptr && count <= AQUIFER_BATCH_KEYS) {
    for (Handle*& handle : std::span(handles, count)) {
      handle = nullptr;
    }
  }
  return run_batch(client, items, count, statuses, [&]() -> Answers<Status> {
    if (handles == nullptr && count != 0) {
      return {.refused = &kNullAnswer};
    }
    return run();
  });
}

/// Makes handles of the results that are one; returns the statuses of all.
template <class T, class Handle>
std::vector<Status> give_out(std::vector<Result<T>> results, Handle** handles) {
  std::vector<Status> statuses(results.size(), Status::kOk);
  for (std::size_t i = 0; i < results.size(); ++i) {
    if (!results[i].ok()) {
      statuses[i] = results[i].code();
      continue;
    }
    handles[i] = new (std::nothrow) Handle{*std::move(results[i])};
    if (handles[i] == nullptr) {
      statuses[i] = Status::kIo;
    }
  }
  return statuses;
}

}  // namespace aquifer::capi
