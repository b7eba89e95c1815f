// Calls whose answer is a handle on a report: listings, objects, the state of the pool.
#pragma once

#include <new>
#include <utility>

#include "capi/convert.h"
#include "capi/handles.h"

namespace aquifer::capi {

template <class Handle>
aquifer_status_t refuse_answer(const aquifer_client_t& client, const Refusal& refusal,
                               Handle** out) noexcept {
  if (out != nullptr) {
    *out = nullptr;
  }
  return client.refuse(refusal);
}

/// `run` is given the options, and returns a Result of what a Handle holds.
template <class Handle, class Run>
aquifer_status_t run_answer(const aquifer_client_t* client, const aquifer_call_options_t* options,
                            Handle** out, Run run) noexcept {
  if (out != nullptr) {
    *out = nullptr;
  }
  return guard(client, [&] {
    const auto call = read(options);
    if (call.refused != nullptr) {
      return client->refuse(*call.refused);
    }
    if (out == nullptr) {
      return client->refuse(kNullAnswer);
    }
    auto answer = run(call.value);
    if (!answer) {
      return client->answered(answer.code());
    }
    *out = new (std::nothrow) Handle{*std::move(answer)};
    return *out == nullptr ? client->refuse(kNoMemory) : aquifer_status_t{AQUIFER_OK};
  });
}

}  // namespace aquifer::capi
