#include "apps/bench_forks.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>

#include "base/strings.h"

namespace aquifer::apps {
namespace {

bool has_no_children() { return waitpid(-1, nullptr, WNOHANG) == -1 && errno == ECHILD; }

TEST(BenchForks, CarryOutEachOrderInProcessesOfTheirOwn) {
  const pid_t here = getpid();
  {
    auto forks = BenchForks::start(3, [&](unsigned member) {
      return [=, rounds = 0u](BenchOrder order) mutable {
        ++rounds;
        return BenchTally{.done = order.act * 100 + member,
                          .wrong = (getpid() == here ? 1000u : 0u) + rounds - order.round};
      };
    });
    ASSERT_TRUE(forks.ok()) << forks.error().message;
    for (std::uint32_t round = 1; round <= 2; ++round) {
      const auto tally = forks->run({.act = 7, .round = round});
      ASSERT_TRUE(tally.ok()) << tally.error().message;
      EXPECT_EQ(tally->done, 3 * 700 + 0 + 1 + 2);
      EXPECT_EQ(tally->wrong, 0);
      EXPECT_EQ(tally->trouble, "");
    }
  }
  EXPECT_TRUE(has_no_children());
}

TEST(BenchForks, PassOnTheFirstTroubleAndCutItsEnd) {
  auto forks = BenchForks::start(2, [](unsigned member) {
    return [=](BenchOrder) {
      return BenchTally{.wrong = member, .trouble = std::string(member * 2000, 'x')};
    };
  });
  ASSERT_TRUE(forks.ok()) << forks.error().message;
  const auto tally = forks->run({});
  ASSERT_TRUE(tally.ok());
  EXPECT_EQ(tally->wrong, 1);
  EXPECT_GT(tally->trouble.size(), 100);
  EXPECT_LT(tally->trouble.size(), 2000);
}

TEST(BenchForks, ThatEndEarlyAreAnError) {
  {
    auto forks = BenchForks::start(
        1, [](unsigned) -> BenchForks::Work { return [](BenchOrder) -> BenchTally { _exit(3); }; });
    ASSERT_TRUE(forks.ok()) << forks.error().message;
    EXPECT_EQ(forks->run({}).code(), Status::kIo);
    EXPECT_EQ(forks->run({}).code(), Status::kIo);
  }
  EXPECT_TRUE(has_no_children());
}

}  // namespace
}  // namespace aquifer::apps
