#include "apps/exit_code.h"

namespace aquifer::apps {

int exit_code_of(Status status) {
  switch (status) {
    case Status::kOk:
    case Status::kExists:
    case Status::kPending:
      return ExitCode::kDone;
    case Status::kNotFound:
      return ExitCode::kNotFound;
    case Status::kInvalidArgument:
    case Status::kTooLarge:
      return ExitCode::kUsage;
    case Status::kUnreachable:
      return ExitCode::kUnreachable;
    case Status::kIntegrity:
      return ExitCode::kIntegrity;
    default:
      return ExitCode::kFailed;
  }
}

}  // namespace aquifer::apps
