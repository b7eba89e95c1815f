// What becomes of a put when its replicas have been written: decisions without any I/O.
#pragma once

#include <cstdint>

#include "aquifer/types.h"

namespace aquifer::client {

/// What became of one replica.
enum class Outcome : std::uint8_t {
  kDone,
  kStale,        ///< the slot has moved on: an ordinary miss, or a put that was taken back
  kDamaged,      ///< same generation, other bytes
  kUnreachable,  ///< no way to the node, or the memory behind the mapping is gone
  kTimeout,
};

/// What a put has to be given up for because of one of its replicas.
constexpr Status failure_of(Outcome outcome) {
  switch (outcome) {
    case Outcome::kDone:
      break;
    case Outcome::kStale:
      return Status::kCancelled;
    case Outcome::kDamaged:
      return Status::kIntegrity;
    case Outcome::kUnreachable:
      return Status::kUnreachable;
    case Outcome::kTimeout:
      return Status::kTimeout;
  }
  return Status::kOk;
}

/// A node that cannot be reached, or a wire that damages: meta will know soon, and another try may
/// go elsewhere.
constexpr bool is_tried_again(Status status) {
  return status == Status::kUnreachable || status == Status::kIntegrity;
}
constexpr bool is_stored(Status status) { return is_success(status) || status == Status::kPending; }

/// One try of a put. What is sealed counts as committed for a meta that has to learn it, should the
/// present one die before it takes the slots back: it is unknown then what becomes of a put that
/// was given up.
struct PutVerdict {
  Status failure = Status::kOk;  ///< kOk: to be committed
  bool may_be_found = false;     ///< by such a meta
};

/// `failure`: of its replicas. `late`: no commit follows a deadline. `is_sealed`: some of it may
/// be; of a group, some of every object.
constexpr PutVerdict judge_put(Status failure, bool late, bool is_sealed) {
  PutVerdict verdict{failure, false};
  if (late && failure == Status::kOk) {
    verdict.failure = Status::kTimeout;
  }
  verdict.may_be_found = verdict.failure != Status::kOk && is_sealed;
  if (verdict.may_be_found && !is_tried_again(verdict.failure)) {
    verdict.failure = Status::kUnknown;
  }
  return verdict;
}

/// What an object of a group ends with that falls with another one.
constexpr Status falls_with_its_group(bool all_are_sealed) {
  return all_are_sealed ? Status::kUnknown : Status::kCancelled;
}

/// The end of a put after all tries; `was_left`: one of them may be found.
constexpr Status end_of_tries(Status last, bool was_left) {
  return was_left && !is_stored(last) ? Status::kUnknown : last;
}

}  // namespace aquifer::client
