// Percentiles of how long calls took: what replay and pressure say about time.
#pragma once

#include <cstdint>
#include <vector>

namespace aquifer::apps {

/// Percentiles, in milliseconds.
struct LatencySummary {
  std::uint64_t count = 0;
  double p50 = 0;
  double p90 = 0;
  double p99 = 0;
  double max = 0;
};

/// `milliseconds` is sorted by this.
LatencySummary summarize(std::vector<double>& milliseconds);

}  // namespace aquifer::apps
