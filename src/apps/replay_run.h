// Driving a pool with a trace of requests, as an engine would: look for the longest cached prefix,
// read it, store the rest. Measures and verifies; does not print (replay.h does).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "apps/replay_model.h"
#include "apps/workload_latency.h"
#include "apps/workload_progress.h"
#include "apps/workload_trace.h"
#include "aquifer/client.h"
#include "aquifer/result.h"

namespace aquifer::apps {

struct ReplaySettings {
  std::uint64_t object_bytes = 64 << 10;
  std::uint64_t blocks = 0;  ///< size of the private pool in objects; 0: by capacity
  std::uint64_t capacity_bytes = 4ull << 30;  ///< size of the private pool where blocks is 0
  double skip = 0.0;   ///< requests left out of the count (skipped_requests())
  std::string meta{};  ///< a given pool instead of a private one
  Transport transport = Transport::kAuto;
  unsigned copy_threads = 1;
  std::uint64_t seed = 1;
  std::string program{};  ///< as in PrivatePoolOptions
};

/// What came of it; everything but failures and `verified` is over the counted requests.
struct ReplayOutcome {
  std::uint64_t requests = 0;
  HitCount hits;                     ///< of the pool
  std::uint64_t model_capacity = 0;  ///< blocks that the model below had
  HitCount model;                    ///< of a plain LRU cache
  std::optional<double> known;       ///< the published ratio, where there is one for this run
  std::uint64_t read_bytes = 0;
  std::uint64_t written_bytes = 0;
  double seconds = 0;             ///< of the whole replay, preparation and comparison included
  LatencySummary get;             ///< match_prefix and get_batch of a request that had a hit
  LatencySummary put;             ///< put_batch of a request that had something to store
  std::uint64_t lost_blocks = 0;  ///< matched, and gone when they were read
  std::uint64_t failed_puts = 0;
  std::uint64_t wrong_blocks = 0;  ///< delivered with another content than was stored
  std::string trouble{};           ///< the first failure, in words
  std::uint64_t evictions = 0;     ///< by the pool, over the whole replay

  bool verified() const { return wrong_blocks == 0; }
};

/// Replays against the pool of `client`. Keys begin with `prefix`. Errors: kUnreachable and the
/// like, when the pool does not answer at all.
Result<ReplayOutcome> replay_on(Client& client, const Trace& trace, const ReplaySettings& settings,
                                const std::string& prefix, Progress& progress);

/// The whole of it: a private pool is started and ended, or the keys removed from a given one
/// afterwards. Errors: those of starting the pool and of replay_on().
Result<ReplayOutcome> replay_trace(const Trace& trace, const ReplaySettings& settings,
                                   Progress& progress);

}  // namespace aquifer::apps
