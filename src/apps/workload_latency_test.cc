#include "apps/workload_latency.h"

#include <gtest/gtest.h>

namespace aquifer::apps {
namespace {

TEST(Latencies, ArePercentilesOfTheSortedValues) {
  std::vector<double> values;
  for (int i = 100; i >= 0; --i) values.push_back(i);
  const LatencySummary summary = summarize(values);
  EXPECT_EQ(summary.count, 101u);
  EXPECT_EQ(summary.p50, 50.0);
  EXPECT_EQ(summary.p90, 90.0);
  EXPECT_EQ(summary.p99, 99.0);
  EXPECT_EQ(summary.max, 100.0);
}

TEST(Latencies, OfNothingAreZero) {
  std::vector<double> none;
  EXPECT_EQ(summarize(none).count, 0u);
  EXPECT_EQ(summarize(none).max, 0.0);
}

}  // namespace
}  // namespace aquifer::apps
