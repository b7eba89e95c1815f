#include "apps/bench_fit.h"

#include <gtest/gtest.h>

namespace aquifer::apps {
namespace {

constexpr std::uint64_t kGibibyte = 1ull << 30;

Machine machine_with(std::uint64_t available) {
  Machine machine;
  machine.available_bytes = available;
  return machine;
}

TEST(BenchFit, TakesWhatIsWantedWhereThreeQuartersOfTheMemoryHoldIt) {
  EXPECT_EQ(fitting_bytes(3 * kGibibyte, machine_with(4 * kGibibyte)), 3 * kGibibyte);
  EXPECT_EQ(fitting_bytes(3 * kGibibyte + 1, machine_with(4 * kGibibyte)), 3 * kGibibyte);
  EXPECT_EQ(fitting_bytes(16 * kGibibyte, machine_with(10 * kGibibyte)),
            7 * kGibibyte + kGibibyte / 2);
}

TEST(BenchFit, TakesOneUnitOfAMachineWithoutMemoryAndNeverMoreThanWanted) {
  EXPECT_EQ(fitting_bytes(kGibibyte, machine_with(1 << 20)), 64u << 20);
  EXPECT_EQ(fitting_bytes(2 << 20, machine_with(1 << 20)), 2u << 20);
  EXPECT_EQ(fitting_bytes(kGibibyte, machine_with(0)), kGibibyte);
}

TEST(BenchFit, SaysThatItShrankOnlyWhenItDid) {
  EXPECT_EQ(shrink_remark("start", kGibibyte, kGibibyte), std::nullopt);
  EXPECT_EQ(shrink_remark("start", 2 * kGibibyte, kGibibyte),
            "start: 1.00 GiB instead of 2.00 GiB, as much as fits into 3/4 of the memory");
}

}  // namespace
}  // namespace aquifer::apps
