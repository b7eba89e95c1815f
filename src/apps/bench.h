// The command `aquifer bench`: its options, its output, its exit status. What is measured is
// bench_run.h, what it is written as bench_report.h; both can be used without the command.
#pragma once

#include "apps/client_flags.h"
#include "base/environment.h"

namespace aquifer::apps {

/// Returns the exit status: kIntegrity when something did not verify.
int run_bench(Arguments arguments, const base::Environment& environment);

}  // namespace aquifer::apps
