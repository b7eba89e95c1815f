// MemCache's error codes, and which one a status of ours becomes for each kind of call. The numbers
// are MemCache's; engines compare with them.
#pragma once

#include "aquifer/types.h"

namespace aquifer::compat::memcache {

enum Code : int {
  kDone = 0,
  kError = -1,
  kInvalidParam = -3000,
  kNotStarted = -3003,
  kTimeout = -3004,
  kDuplicatedObject = -3006,
  kObjectNotExists = -3007,
  kLinkNotFound = -3014,
  kClientNotInit = -3019,
  kUnmatchedState = -3101,
  kUnmatchedKey = -3102,
  kLeaseExpired = -3106,
  kRangeAlreadyWritten = -3107,
};

/// What stood in the way of any call.
constexpr int trouble_code(Status status) {
  switch (status) {
    case Status::kTimeout:
    case Status::kUnknown:
      return kTimeout;
    case Status::kUnreachable:
      return kLinkNotFound;
    case Status::kClosed:
      return kClientNotInit;
    case Status::kInvalidArgument:
      return kInvalidParam;
    default:
      return kError;
  }
}

/// A key that is there already is no error, and its value stays.
constexpr int put_code(Status status) { return is_success(status) ? kDone : trouble_code(status); }

/// The C calls tell it.
constexpr int strict_put_code(Status status) {
  return status == Status::kExists ? int{kDuplicatedObject} : put_code(status);
}

/// A miss, a value of another size and buffers that overlap are the same to callers.
constexpr int get_code(Status status) {
  if (status == Status::kOk) return kDone;
  return status == Status::kInvalidArgument ? int{kError} : trouble_code(status);
}

/// 1 there, 0 not there.
constexpr int exist_code(Status status) {
  if (status == Status::kOk) return 1;
  return status == Status::kNotFound || status == Status::kRecovering ? 0 : trouble_code(status);
}

/// Removed from sight is removed.
constexpr int remove_code(Status status) {
  if (status == Status::kOk || status == Status::kPending) return kDone;
  return status == Status::kNotFound ? kUnmatchedKey : trouble_code(status);
}

}  // namespace aquifer::compat::memcache
