// What a plain LRU cache of whole blocks would hit on a trace: the ideal that a replay against a
// pool is held against. A count of blocks and nothing else: no bytes, no watermarks, no pool.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "apps/workload_trace.h"

namespace aquifer::apps {

struct HitCount {
  std::uint64_t blocks = 0;  ///< all blocks of the counted requests
  std::uint64_t hits = 0;    ///< those in the leading run of cached blocks of their request

  double ratio() const {
    return blocks == 0 ? 0.0 : static_cast<double>(hits) / static_cast<double>(blocks);
  }
};

/// Replays the trace against a cache of `capacity` blocks. Each request counts the leading run of
/// its blocks that are cached, then touches all its blocks from the last to the first (those that
/// were missing enter), so that a leaf is always older than its root. The first `skip` requests are
/// replayed and not counted.
HitCount lru_hits(const Trace& trace, std::uint64_t capacity, std::size_t skip);

/// The number of requests that `--skip VALUE` leaves out: a share of all below 1, a count from 1
/// on.
std::size_t skipped_requests(double skip, std::size_t requests);

/// The published LRU ratio for a known trace (recognised by its size) with the second half counted,
/// if there is one.
std::optional<double> known_lru_ratio(const Trace& trace, std::uint64_t capacity, std::size_t skip);

}  // namespace aquifer::apps
