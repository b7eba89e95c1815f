#include "apps/bench_calls.h"

#include <gtest/gtest.h>

namespace aquifer::apps {
namespace {

TEST(TimedCalls, AreSurroundedCheckedAndCounted) {
  std::string order;
  const TimedCall call{.before = [&] { order += 'b'; },
                       .call = [&] { order += 'c'; },
                       .check =
                           [&] {
                             order += 'k';
                             return order.size() != 6;  // the second is wrong
                           },
                       .after_round =
                           [&] {
                             order += 'a';
                             return false;
                           }};
  CallRound round(call);
  round.go_on(1);
  round.go_on(2);
  const CallTimes times = round.end();
  EXPECT_EQ(order, "bckbckbcka");
  EXPECT_EQ(times.wrong, 2);
  EXPECT_GE(times.p99, times.p50);
}

TEST(TimedCalls, AreSummedUpByOrderAndMean) {
  std::vector<double> microseconds{5, 1, 2, 100, 2};
  const CallTimes times = call_times(microseconds);
  EXPECT_EQ(times.p50, 2);
  EXPECT_EQ(times.mean, 22);
  std::vector<double> none;
  EXPECT_EQ(call_times(none).p50, 0);
}

TEST(TimedCalls, OfManyRoundsAreTheMedianOfEachFigure) {
  const CallTimes times =
      median_of({{.p50 = 1, .p99 = 30, .mean = 2, .wrong = 1}, {3, 10, 9, 2}, {2, 20, 1, 0}});
  EXPECT_EQ(times.p50, 2);
  EXPECT_EQ(times.p99, 20);
  EXPECT_EQ(times.mean, 2);
  EXPECT_EQ(times.wrong, 3);
}

}  // namespace
}  // namespace aquifer::apps
