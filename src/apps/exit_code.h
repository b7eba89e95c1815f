// The exit status of the program for each outcome. Scripts depend on these numbers, so they never
// change. Not here: the wording of errors (explain.h, report.h).
#pragma once

#include "aquifer/types.h"

namespace aquifer::apps {

struct ExitCode {
  static constexpr int kDone = 0;
  static constexpr int kNotFound = 1;
  static constexpr int kUsage = 2;        ///< the request has to be changed
  static constexpr int kUnreachable = 3;  ///< meta, or each node that holds the object
  static constexpr int kIntegrity = 4;    ///< no replica with valid bytes is left
  static constexpr int kFailed = 5;       ///< anything else
};

/// The exit status for an operation that ended with `status`. What has been removed from sight, or
/// is in the pool already, is done.
int exit_code_of(Status status);

}  // namespace aquifer::apps
