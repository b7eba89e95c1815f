#include "aquifer/types.h"
#include "aquifer/version.h"

#ifndef AQUIFER_VERSION
#define AQUIFER_VERSION "0.0.0"
#endif

namespace aquifer {

std::string_view name_of(Status status) {
  switch (status) {
    case Status::kOk:
      return "ok";
    case Status::kExists:
      return "exists";
    case Status::kNotFound:
      return "not_found";
    case Status::kBusy:
      return "busy";
    case Status::kTimeout:
      return "timeout";
    case Status::kUnknown:
      return "unknown";
    case Status::kRecovering:
      return "recovering";
    case Status::kPending:
      return "pending";
    case Status::kInFlight:
      return "in_flight";
    case Status::kUnreachable:
      return "unreachable";
    case Status::kNoSpace:
      return "no_space";
    case Status::kClosed:
      return "closed";
    case Status::kInvalidArgument:
      return "invalid_argument";
    case Status::kTooLarge:
      return "too_large";
    case Status::kTooSmall:
      return "too_small";
    case Status::kNotSupported:
      return "not_supported";
    case Status::kVersionMismatch:
      return "version_mismatch";
    case Status::kConflict:
      return "conflict";
    case Status::kDenied:
      return "denied";
    case Status::kCancelled:
      return "cancelled";
    case Status::kIntegrity:
      return "integrity";
    case Status::kInternal:
      return "internal";
    case Status::kIo:
      return "io";
  }
  return "unrecognized";
}

std::string_view version() { return AQUIFER_VERSION; }

}  // namespace aquifer
