// A whole bench: sets up memory, peers and pool, measures the limits and the pool in turn, and
// takes everything down again. Prints nothing but the progress.
#pragma once

#include "apps/bench_plan.h"
#include "apps/bench_report.h"
#include "apps/workload_progress.h"
#include "aquifer/result.h"

namespace aquifer::apps {

/// Runs the bench. Forks, so call it before the process has other threads. Errors: those of
/// plan_bench(), kIo, and what the pool says; what merely does not verify is in the report.
Result<BenchReport> measure_bench(const BenchSettings& settings, Progress& progress);

}  // namespace aquifer::apps
