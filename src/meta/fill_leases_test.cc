#include "meta/fill_leases.h"

#include <gtest/gtest.h>

namespace aquifer::meta {
namespace {

constexpr base::Hash128 kKey{1, 2};
constexpr base::ClientId kOne{1};
constexpr base::ClientId kOther{2};
constexpr Time kHold{1000};

TEST(FillLeases, OneMayFillAndTheOthersHearForHowLong) {
  FillLeases leases;
  EXPECT_EQ(leases.ask(kKey, kOne, kHold, Time(100)), Time(0));
  EXPECT_EQ(leases.ask(kKey, kOther, kHold, Time(100)), Time(1)) << "never nothing";
  EXPECT_EQ(leases.ask(kKey, kOther, kHold, Time(600)), Time(500));
  EXPECT_EQ(leases.ask({3, 4}, kOther, kHold, Time(600)), Time(0)) << "another key";
}

TEST(FillLeases, TheHolderMayAskAgainWhichProlongsIt) {
  FillLeases leases;
  leases.ask(kKey, kOne, kHold, Time(0));
  EXPECT_EQ(leases.ask(kKey, kOne, kHold, Time(900)), Time(0));
  leases.tick(Time(1000));
  EXPECT_EQ(leases.ask(kKey, kOther, kHold, Time(1500)), Time(1500)) << "since the first time";
}

TEST(FillLeases, ItEndsWithItsTimeThePutOrTheHolder) {
  for (int way = 0; way < 3; ++way) {
    FillLeases leases;
    leases.ask(kKey, kOne, kHold, Time(0));
    if (way == 0) {
      leases.tick(kHold);
      EXPECT_EQ(leases.size(), 0u);
    } else if (way == 1) {
      leases.end(kKey);
    } else {
      leases.end_of(kOne);
    }
    EXPECT_EQ(leases.ask(kKey, kOther, kHold, kHold), Time(0)) << way;
  }
}

TEST(FillLeases, WhoAsksAgainAndAgainTakesNoMoreRoom) {
  FillLeases leases;
  for (std::uint64_t n = 0; n < 3 * FillLeases::kMax; ++n) {
    leases.ask(kKey, kOne, kHold, Time(n));
  }
  EXPECT_EQ(leases.size(), 1u);
  EXPECT_EQ(leases.ask({3, 4}, kOne, kHold, Time(0)), Time(0));
  EXPECT_NE(leases.ask({3, 4}, kOther, kHold, Time(1)), Time(0)) << "others are still given";
}

TEST(FillLeases, ItEndsWithAPutOfItsHolderThatCameToNothing) {
  FillLeases leases;
  leases.ask(kKey, kOne, kHold, Time(0));
  leases.give_up(kKey, kOther);
  EXPECT_NE(leases.ask(kKey, kOther, kHold, Time(1)), Time(0));
  leases.give_up(kKey, kOne);
  EXPECT_EQ(leases.ask(kKey, kOther, kHold, Time(1)), Time(0));
}

TEST(FillLeases, ThereAreOnlySoMany) {
  FillLeases leases;
  for (std::uint64_t n = 0; n <= FillLeases::kMax; ++n) {
    EXPECT_EQ(leases.ask({n, n}, kOne, kHold, Time(0)), Time(0));
  }
  EXPECT_EQ(leases.size(), FillLeases::kMax);
  EXPECT_EQ(leases.ask({FillLeases::kMax, FillLeases::kMax}, kOther, kHold, Time(1)), Time(0))
      << "whoever asks may fill";
  leases.tick(kHold);
  EXPECT_EQ(leases.size(), 0u);
}

}  // namespace
}  // namespace aquifer::meta
