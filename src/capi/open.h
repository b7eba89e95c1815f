// Opening a client or a pool: a handle, or an error in words.
#pragma once

#include <utility>

#include "capi/handles.h"
#include "capi/refusal.h"

namespace aquifer::capi {

/// `run` returns a Result of a new handle. `error` may be null.
template <class Handle, class Run>
aquifer_status_t open_handle(Handle** out, aquifer_error_t* error, Run run) noexcept {
  return guard([&]() -> aquifer_status_t {
    if (out == nullptr) {
      write_error(error_of(kNullAnswer), error);
      return AQUIFER_INVALID_ARGUMENT;
    }
    *out = nullptr;
    if (write_error({Status::kOk, {}, {}}, error) != AQUIFER_OK) {
      return AQUIFER_INVALID_ARGUMENT;
    }
    auto opened = run();
    if (opened) {
      *out = *opened;
    } else {
      write_error(opened.error(), error);
    }
    return static_cast<aquifer_status_t>(opened.code());
  });
}

}  // namespace aquifer::capi
