#include "meta/put_numbers.h"

#include <gtest/gtest.h>

#include <map>

#include "base/random.h"

namespace aquifer::meta {
namespace {

TEST(PutNumbers, APutIsOpenUntilItEndsAndThenHasAnOutcome) {
  PutNumbers numbers;
  EXPECT_EQ(numbers.begin(70), 1u);
  EXPECT_EQ(numbers.begin(71), 2u);
  EXPECT_EQ(numbers.find(1), 70u);
  EXPECT_FALSE(numbers.outcome(1));
  numbers.end(1, Status::kExists);
  EXPECT_EQ(numbers.find(1), PutNumbers::kNone);
  EXPECT_EQ(numbers.outcome(1), Status::kExists);
  EXPECT_EQ(numbers.find(2), 71u);
  EXPECT_ANY_THROW(numbers.end(1, Status::kOk)) << "it has ended";
}

TEST(PutNumbers, ThoseNeverGivenOutAreUnknown) {
  PutNumbers numbers;
  numbers.begin(1);
  for (const std::uint64_t number : {std::uint64_t{0}, std::uint64_t{2}, UINT64_MAX}) {
    EXPECT_EQ(numbers.find(number), PutNumbers::kNone);
    EXPECT_FALSE(numbers.outcome(number));
  }
}

TEST(PutNumbers, AnOutcomeIsKnownForManyPutsAfterwardsAndForgottenInTheEnd) {
  PutNumbers numbers;
  const std::uint64_t slow = numbers.begin(1);
  const auto pass = [&](std::uint64_t puts) {
    for (std::uint64_t i = 0; i < puts; ++i) {
      numbers.end(numbers.begin(2), Status::kOk);
    }
  };
  pass(3 * PutNumbers::kOutcomes);
  EXPECT_EQ(numbers.find(slow), 1u) << "whatever it takes";
  numbers.end(slow, Status::kExists);
  pass(PutNumbers::kOutcomes - 1);
  EXPECT_EQ(numbers.outcome(slow), Status::kExists) << "counted from its end";
  pass(PutNumbers::kOutcomes);
  EXPECT_FALSE(numbers.outcome(slow));
  EXPECT_EQ(numbers.find(slow), PutNumbers::kNone);
}

TEST(PutNumbers, ARandomWalkAgreesWithAMap) {
  constexpr std::uint64_t kSeed = 7;
  SCOPED_TRACE(testing::Message() << "seed " << kSeed);
  base::Random random(kSeed);
  PutNumbers numbers;
  std::map<std::uint64_t, std::uint32_t> open;
  std::map<std::uint64_t, Status> ended;
  for (std::uint32_t step = 0; step < 100'000; ++step) {
    if (open.empty() || random.below(2) == 0) {
      open[numbers.begin(step)] = step;
    } else {
      auto at = open.lower_bound(1 + random.below(open.rbegin()->first));
      ASSERT_EQ(numbers.find(at->first), at->second);
      const Status status = random.below(2) == 0 ? Status::kOk : Status::kCancelled;
      numbers.end(at->first, status);
      ended[at->first] = status;
      open.erase(at);
    }
    const std::uint64_t any = 1 + random.below(step + 1);
    ASSERT_EQ(numbers.find(any), open.contains(any) ? open[any] : PutNumbers::kNone);
    ASSERT_EQ(numbers.outcome(any), ended.contains(any) ? std::optional(ended[any]) : std::nullopt);
  }
}

}  // namespace
}  // namespace aquifer::meta
