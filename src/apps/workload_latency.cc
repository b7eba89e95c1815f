#include "apps/workload_latency.h"

#include <algorithm>
#include <cstddef>

namespace aquifer::apps {

LatencySummary summarize(std::vector<double>& milliseconds) {
  LatencySummary summary;
  summary.count = milliseconds.size();
  if (milliseconds.empty()) return summary;
  std::sort(milliseconds.begin(), milliseconds.end());
  const auto at = [&](std::size_t percent) {
    return milliseconds[(milliseconds.size() - 1) * percent / 100];
  };
  summary.p50 = at(50);
  summary.p90 = at(90);
  summary.p99 = at(99);
  summary.max = milliseconds.back();
  return summary;
}

}  // namespace aquifer::apps
