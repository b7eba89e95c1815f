#include "apps/replay_model.h"

#include <gtest/gtest.h>

namespace aquifer::apps {
namespace {

Trace trace_of(std::vector<TraceRequest> requests) { return Trace{std::move(requests)}; }

TEST(LruModel, CountsOnlyTheLeadingRun) {
  const auto trace = trace_of({{1, 2, 3}, {1, 9, 3}});
  const HitCount count = lru_hits(trace, 100, 0);
  EXPECT_EQ(count.blocks, 6u);
  EXPECT_EQ(count.hits, 1u);
}

TEST(LruModel, LeavesAreEvictedBeforeTheirRoots) {
  // Room for three: of 1-2-3-4 the leaf 4 has to go, so the run of the same request is three long.
  EXPECT_EQ(lru_hits(trace_of({{1, 2, 3, 4}, {1, 2, 3, 4}}), 3, 0).hits, 3u);
}

TEST(LruModel, TheLeastRecentlyUsedGoesFirst) {
  const auto trace = trace_of({{1}, {2}, {1}, {3}, {2}, {1}});
  // 1 hits at the third request; 3 takes the place of 2, 2 that of 1, and 1 misses at the end.
  EXPECT_EQ(lru_hits(trace, 2, 0).hits, 1u);
  EXPECT_EQ(lru_hits(trace, 3, 0).hits, 3u);
}

TEST(LruModel, SkippedRequestsFillTheCacheAndAreNotCounted) {
  const auto trace = trace_of({{1, 2}, {1, 2}, {1, 2, 3}});
  const HitCount count = lru_hits(trace, 10, 1);
  EXPECT_EQ(count.blocks, 5u);
  EXPECT_EQ(count.hits, 4u);
}

TEST(Skip, IsAShareBelowOneAndANumberFromOneOn) {
  EXPECT_EQ(skipped_requests(0.0, 100), 0u);
  EXPECT_EQ(skipped_requests(0.5, 12'031), 6'015u);
  EXPECT_EQ(skipped_requests(1.0, 100), 1u);
  EXPECT_EQ(skipped_requests(30.0, 100), 30u);
  EXPECT_EQ(skipped_requests(3000.0, 100), 100u);
}

TEST(KnownRatios, AreShownOnlyForTheTraceSizeAndSkipTheyWereFoundWith) {
  Trace trace;
  trace.requests.assign(3'993, TraceRequest{1});
  trace.requests.front().assign(121'877 - 3'992, 2);
  EXPECT_EQ(known_lru_ratio(trace, 10'000, 1'996), 0.595);
  EXPECT_EQ(known_lru_ratio(trace, 10'001, 1'996), std::nullopt);
  EXPECT_EQ(known_lru_ratio(trace, 10'000, 0), std::nullopt);
  trace.requests.front().pop_back();
  EXPECT_EQ(known_lru_ratio(trace, 10'000, 1'996), std::nullopt);
}

}  // namespace
}  // namespace aquifer::apps
