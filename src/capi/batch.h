// How every batch is run: the checks that all share, and an answer for each key whatever happens.
#pragma once

#include <algorithm>
#include <new>
#include <span>
#include <vector>

#include "capi/convert.h"
#include "capi/handles.h"

namespace aquifer::capi {

inline Status status_of(Status answer) { return answer; }
inline Status status_of(const GetOutcome& answer) { return answer.status; }

inline void write(Status answer, aquifer_status_t& out) {
  out = static_cast<aquifer_status_t>(answer);
}
inline void write(const GetOutcome& answer, aquifer_get_outcome_t& out) {
  out = {
      static_cast<aquifer_status_t>(answer.status),
      static_cast<std::uint32_t>(std::clamp<std::int64_t>(answer.filling.count(), 0, UINT32_MAX)),
      answer.bytes};
}

inline void write_refusal(aquifer_status_t status, aquifer_status_t& out) { out = status; }
inline void write_refusal(aquifer_status_t status, aquifer_get_outcome_t& out) {
  out = {status, 0, 0};
}

/// Writes the answers; returns the first status that is no success, or AQUIFER_OK.
template <class Answer, class Out>
aquifer_status_t write_all(const aquifer_client_t& client, const std::vector<Answer>& answers,
                           Out* out) {
  aquifer_status_t first = AQUIFER_OK;
  for (std::size_t i = 0; i < answers.size(); ++i) {
    write(answers[i], out[i]);
    const Status status = status_of(answers[i]);
    client.answered(status);
    if (!is_success(status) && first == AQUIFER_OK) {
      first = static_cast<aquifer_status_t>(status);
    }
  }
  return first;
}

/// What is wrong with the arrays of a batch, or null.
inline const Refusal* check_arrays(const void* items, std::size_t count, const void* out) {
  if (count > AQUIFER_BATCH_KEYS) {
    return &kTooManyKeys;
  }
  if (count == 0) {
    return nullptr;
  }
  return items == nullptr ? &kNullArray : out == nullptr ? &kNullAnswer : nullptr;
}

/// One answer per item, or why there is none.
template <class Answer>
struct Answers {
  std::vector<Answer> all{};
  const Refusal* refused = nullptr;
  bool null_bytes = false;  ///< an item named bytes at a null pointer; its answer says so
};

/// Runs one batch. `run` returns Answers; it is called only when the arrays are sound. A refusal is
/// the answer to every key.
template <class Item, class Out, class Run>
aquifer_status_t run_batch(const aquifer_client_t* client, const Item* items, std::size_t count,
                           Out* out, Run run) noexcept {
  bool written = false;
  const aquifer_status_t status = guard(client, [&] {
    if (const Refusal* refused = check_arrays(items, count, out)) {
      return client->refuse(*refused);
    }
    const auto answers = run();
    if (answers.refused != nullptr) {
      return client->refuse(*answers.refused);
    }
    written = true;
    const aquifer_status_t first = write_all(*client, answers.all, out);
    if (answers.null_bytes && first == AQUIFER_INVALID_ARGUMENT) {
      client->refuse(kNullBytes);
    }
    return first;
  });
  if (!written && out != nullptr && count <= AQUIFER_BATCH_KEYS) {
    for (Out& answer : std::span(out, count)) {
      write_refusal(status, answer);
    }
  }
  return status;
}

}  // namespace aquifer::capi
