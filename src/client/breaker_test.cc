#include "client/breaker.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "base/random.h"

namespace aquifer::client {
namespace {

using State = Breaker::State;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr seconds kPatience{2};

class BreakerTest : public testing::Test {
 protected:
  State state() { return breaker_.state(now_); }
  // What a client does whose service was there and is gone.
  void lose() {
    breaker_.answered();
    breaker_.unreachable(now_, kPatience);
  }

  Breaker breaker_;
  Breaker::Time now_{std::chrono::hours(1)};
};

TEST_F(BreakerTest, OneCallThatWaitsInVainOpensIt) {
  EXPECT_EQ(state(), State::kClosed);
  breaker_.silent(Breaker::kSilence, now_);
  EXPECT_EQ(state(), State::kOpen);
  EXPECT_EQ(breaker_.since(), now_ - Breaker::kSilence);
  EXPECT_EQ(breaker_.opens(), 1u);
  EXPECT_EQ(breaker_.next_probe(), now_) << "a false alarm must be over soon";
}

TEST_F(BreakerTest, CallsInAHurryOpenItOnlySeveralInARow) {
  const auto hurried = Breaker::kSilence - milliseconds(1);
  for (unsigned round = 0; round < 3; ++round) {
    for (unsigned i = 1; i < Breaker::kWeakEvidence; ++i) {
      breaker_.silent(hurried, now_);
      EXPECT_EQ(state(), State::kClosed);
      EXPECT_FALSE(breaker_.is_sound());
    }
    breaker_.answered();
    EXPECT_TRUE(breaker_.is_sound());
  }
  for (unsigned i = 0; i < Breaker::kWeakEvidence; ++i) {
    breaker_.silent(hurried, now_);
  }
  EXPECT_EQ(state(), State::kOpen);
}

TEST_F(BreakerTest, WithoutPatienceRefusedConnectionsOpenItOnlySeveralInARow) {
  for (unsigned i = 1; i < Breaker::kWeakEvidence; ++i) {
    breaker_.unreachable(now_, {});
    EXPECT_EQ(state(), State::kClosed);
  }
  breaker_.unreachable(now_, {});
  EXPECT_EQ(state(), State::kOpen);
}

TEST_F(BreakerTest, CallersWaitForAsLongAsPatienceLasts) {
  lose();
  EXPECT_EQ(state(), State::kWaiting);
  EXPECT_EQ(breaker_.waits_until(), now_ + kPatience);
  EXPECT_EQ(breaker_.opens(), 0u);
  breaker_.unreachable(now_ + seconds(1), kPatience);
  EXPECT_EQ(breaker_.waits_until(), now_ + kPatience) << "later failures do not prolong it";
  now_ += kPatience - milliseconds(1);
  EXPECT_EQ(state(), State::kWaiting);
  now_ += milliseconds(1);
  EXPECT_EQ(state(), State::kOpen);
  EXPECT_EQ(breaker_.since(), now_ - kPatience);
  EXPECT_EQ(breaker_.opens(), 1u);
}

TEST_F(BreakerTest, WhoeverWaitsHisWholeDeadlineEndsTheWaitingForThoseWhoComeLater) {
  lose();
  breaker_.silent(seconds(1), now_ + seconds(1));
  EXPECT_EQ(breaker_.state(now_ + seconds(1)), State::kOpen);
}

TEST_F(BreakerTest, AnAnswerClosesItFromWhereverItIs) {
  lose();
  breaker_.answered();
  EXPECT_EQ(state(), State::kClosed);
  breaker_.silent(seconds(1), now_);
  breaker_.answered();
  EXPECT_EQ(state(), State::kClosed);
  EXPECT_TRUE(breaker_.is_sound());
  now_ += seconds(10);
  breaker_.silent(seconds(1), now_);
  EXPECT_EQ(breaker_.opens(), 2u);
  EXPECT_EQ(breaker_.since(), now_ - seconds(1)) << "another trouble";
}

TEST_F(BreakerTest, ProbesComeEverMoreSeldomWithinLimitsAndScattered) {
  base::Random random(testing::UnitTest::GetInstance()->random_seed());
  lose();
  EXPECT_EQ(breaker_.next_probe(), now_ + Breaker::kFirstPause) << "it was tried just now";
  Breaker::Duration pause = Breaker::kFirstPause;
  for (int i = 0; i < 20; ++i) {
    now_ = breaker_.next_probe();
    breaker_.probe_failed(now_, random.next());
    EXPECT_GE(breaker_.next_probe() - now_, pause / 2);
    EXPECT_LE(breaker_.next_probe() - now_, pause);
    pause = std::min<Breaker::Duration>(pause * 2, Breaker::kLastPause);
  }
  breaker_.answered();
  lose();
  EXPECT_EQ(breaker_.next_probe(), now_ + Breaker::kFirstPause) << "and from the start again";
  breaker_.probe_failed(now_, 0);
  const auto earliest = breaker_.next_probe();
  Breaker other;
  other.silent(seconds(1), now_);
  other.probe_failed(now_, UINT64_MAX / 3);
  EXPECT_NE(other.next_probe(), earliest) << "two clients do not come at one time";
}

TEST_F(BreakerTest, TheProbesOfAWaitingBreakerGoOnWhenItOpens) {
  lose();
  breaker_.probe_failed(now_, 0);
  breaker_.probe_failed(now_, 0);
  const auto next = breaker_.next_probe();
  breaker_.silent(seconds(1), now_);
  EXPECT_EQ(breaker_.next_probe(), next);
}

}  // namespace
}  // namespace aquifer::client
