// What the measurements of the part `restart` have in common: one file each, and their rows.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <string>
#include <vector>

#include "apps/bench_parts.h"
#include "apps/workload_pool.h"
#include "aquifer/client.h"

namespace aquifer::apps {

using RestartClock = std::chrono::steady_clock;

double seconds_since(RestartClock::time_point begin);

/// Asks every millisecond until the answer is yes. Errors: kTimeout, with `what` did not happen.
Result<void> restart_await(const std::function<bool()>& is_so, const std::string& what);

/// Waits until so many nodes are there, and have reported all that they hold. Errors: kTimeout.
Result<void> await_alive(Client& client, std::size_t nodes);

/// Kills the meta of a pool, starts another and waits until a put succeeds; in seconds from the
/// kill on. Errors: kTimeout.
struct MetaRestart {
  RestartClock::time_point begin{};
  double listening = 0;
  double first_put = 0;
};
Result<MetaRestart> restart_meta(PrivatePool& pool, Client& client, const std::string& key,
                                 const std::string& value);

/// What all rounds of one measurement found.
struct Restarts {
  std::vector<double> seconds{};
  std::size_t kept = 0;  ///< objects that should have been there, in all rounds
  std::size_t lost = 0;  ///< of those
  bool verified = true;
  std::vector<std::uint64_t> node_processes{};
};

/// A row of seconds; those under a bound, if there is one, have met it.
BenchRow restart_row(std::string name, const Restarts& restarts,
                     const std::vector<double>& seconds);
BenchRow restart_row(std::string name, const Restarts& restarts, const std::vector<double>& seconds,
                     double bound);
/// The row of objects that were lost, of which none may be.
BenchRow lost_row(std::string name, const Restarts& restarts);

/// A meta that is killed and started again (bench_restart_meta.cc).
Result<void> measure_restart_meta(const BenchSettings& settings, Progress& progress,
                                  BenchReport& report);
/// The same, with many objects in the pool (bench_restart_catalog.cc).
Result<void> measure_restart_catalog(const BenchSettings& settings, Progress& progress,
                                     BenchReport& report);
/// A node that is killed and started again (bench_restart_node.cc).
Result<void> measure_restart_node(const BenchSettings& settings, Progress& progress,
                                  BenchReport& report);
/// A node that is killed and does not come back (bench_restart_replicas.cc).
Result<void> measure_restart_replicas(const BenchSettings& settings, Progress& progress,
                                      BenchReport& report);

}  // namespace aquifer::apps
