// What `aquifer demo` ends with: what was measured, in one table, and what to type next. The
// measurements themselves are bench_run.h and replay_run.h.
#pragma once

#include <string>
#include <string_view>

#include "apps/bench_report.h"
#include "apps/replay_run.h"
#include "apps/workload_trace.h"
#include "aquifer/result.h"
#include "base/environment.h"

namespace aquifer::apps {

/// A table of both, and two lines to type, in which the program is called `program`.
std::string demo_text(const BenchReport& bench, const ReplayOutcome& replay,
                      std::string_view program);

/// The short trace that is built into the program: an extract of a public one.
Result<Trace> demo_trace();

/// How the program at `path` is called from the working directory: by its name when it is the one
/// that PATH finds, by a path otherwise.
std::string shown_program(const std::string& path, const base::Environment& environment);

}  // namespace aquifer::apps
