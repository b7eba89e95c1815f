// How much memory meta needs for an object: a meta of its own is filled with a synthetic catalog
// and its resident memory read from outside.
#pragma once

#include "apps/bench_plan.h"
#include "apps/bench_report.h"
#include "apps/workload_progress.h"
#include "aquifer/result.h"

namespace aquifer::apps {

/// Adds the row `meta.memory`. Errors: those of starting a meta and of talking to it.
Result<void> measure_meta_memory(const BenchSettings& settings, Progress& progress,
                                 BenchReport& report);

}  // namespace aquifer::apps
