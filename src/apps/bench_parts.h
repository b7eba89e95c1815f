// The parts of a bench: what `aquifer bench --only` chooses from. A part sets up what it measures,
// adds its rows to the report, and takes everything down again; it knows nothing of the others.
#pragma once

#include <span>
#include <string_view>

#include "apps/bench_plan.h"
#include "apps/bench_report.h"
#include "apps/workload_progress.h"
#include "aquifer/result.h"

namespace aquifer::apps {

struct BenchPart {
  std::string_view name;
  std::string_view what;  ///< in a few words, for the help
  /// Errors end the bench; what merely does not verify stands in the rows.
  Result<void> (*measure)(const BenchSettings&, Progress&, BenchReport&);
};

/// In the order in which they run. Parts that fork come before those that start threads.
std::span<const BenchPart> bench_parts();

/// put and get of large objects beside copies and sockets (bench_run.cc).
Result<void> measure_block(const BenchSettings& settings, Progress& progress, BenchReport& report);

/// Small calls one at a time, beside bounds and the bare echo (bench_latency.cc).
Result<void> measure_latency(const BenchSettings& settings, Progress& progress,
                             BenchReport& report);

/// What a meta does with a second of CPU time, and its memory (bench_meta.cc).
Result<void> measure_meta(const BenchSettings& settings, Progress& progress, BenchReport& report);

/// The pool's copy beside the same copy without digests (bench_digest.cc).
Result<void> measure_digest(const BenchSettings& settings, Progress& progress, BenchReport& report);

/// put into a pool that is full, beside one with room (bench_full.cc).
Result<void> measure_full(const BenchSettings& settings, Progress& progress, BenchReport& report);

/// A large node from its start to the first put (bench_start.cc).
Result<void> measure_start(const BenchSettings& settings, Progress& progress, BenchReport& report);

/// The first pass of a client over memory that it has just mapped (bench_cold.cc).
Result<void> measure_cold(const BenchSettings& settings, Progress& progress, BenchReport& report);

/// What a store that is stopped or dead costs a caller (bench_outage.cc).
Result<void> measure_outage(const BenchSettings& settings, Progress& progress, BenchReport& report);

/// Servers that are killed and start again (bench_restart.cc).
Result<void> measure_restart(const BenchSettings& settings, Progress& progress,
                             BenchReport& report);

/// The same objects through the servers that the settings name (bench_against.cc).
Result<void> measure_peers(const BenchSettings& settings, Progress& progress, BenchReport& report);

}  // namespace aquifer::apps
