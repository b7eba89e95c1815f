#include "client/probed_breaker.h"

#include <gtest/gtest.h>

#include <vector>

#include "client/system_time.h"

namespace aquifer::client {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr std::chrono::minutes kLong{1};

io::Deadline in(io::Clock::duration time) { return io::Clock::now() + time; }

const Error kGone{Status::kUnreachable, "nobody there", {}};

// A breaker whose service answers probes when the test says so.
class ProbedBreakerThread : public testing::Test {
 protected:
  // What a caller does whose call ended so.
  void call_answered() {
    ASSERT_TRUE(breaker_.admit(in(kLong)));
    breaker_.answered();
  }
  void call_silent() {
    auto attempt = breaker_.admit(in(kLong));
    ASSERT_TRUE(attempt);
    attempt->began -= Breaker::kSilence;
    breaker_.silent(*attempt, kGone);
  }
  void await_probes(int count) {
    const int until = probes_ + count;
    for (int seen = probes_; seen < until; seen = probes_) {
      probes_.wait(seen);
    }
  }

  std::atomic<bool> is_there_{false};
  std::atomic<int> probes_{0};
  SystemTime time_;
  ProbedBreaker breaker_{time_, 1, kLong, [this](io::Deadline) -> Result<void> {
                           ++probes_;
                           probes_.notify_all();
                           return is_there_ ? Result<void>() : Result<void>(kGone);
                         }};
};

TEST_F(ProbedBreakerThread, NothingRunsWhileTheServiceAnswers) {
  for (int i = 0; i < 100; ++i) {
    call_answered();
  }
  EXPECT_TRUE(breaker_.lets_calls_go());
  EXPECT_EQ(breaker_.opens(), 0u);
  EXPECT_EQ(probes_, 0);
}

TEST_F(ProbedBreakerThread, CallsAreRefusedWithReasonsUntilAProbeSucceeds) {
  call_answered();
  call_silent();
  EXPECT_FALSE(breaker_.lets_calls_go());
  const auto refused = breaker_.admit(in(kLong));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.code(), Status::kUnreachable);
  for (const char* words : {"no answer for", "nobody there", "next look"}) {
    EXPECT_NE(refused.error().message.find(words), std::string::npos) << refused.error().message;
  }
  await_probes(2);
  is_there_ = true;
  while (!breaker_.lets_calls_go()) {
    std::this_thread::yield();
  }
  EXPECT_TRUE(breaker_.admit(in(kLong)));
  EXPECT_EQ(breaker_.opens(), 1u);
}

TEST_F(ProbedBreakerThread, WhoHasTimeWaitsForAServiceThatWasThere) {
  call_answered();
  EXPECT_TRUE(breaker_.unreachable(kGone));
  std::vector<std::thread> callers;
  std::atomic<int> admitted{0};
  for (int i = 0; i < 4; ++i) {
    callers.emplace_back([&] { admitted += breaker_.admit(in(kLong)) ? 1 : 0; });
  }
  await_probes(1);
  is_there_ = true;
  for (std::thread& caller : callers) {
    caller.join();
  }
  EXPECT_EQ(admitted, 4);
  EXPECT_EQ(breaker_.opens(), 0u);
}

TEST_F(ProbedBreakerThread, NobodyWaitsForAServiceThatNeverWas) {
  for (unsigned i = 0; i < Breaker::kWeakEvidence; ++i) {
    EXPECT_FALSE(breaker_.unreachable(kGone));
  }
  EXPECT_FALSE(breaker_.admit(in(kLong)));
}

TEST_F(ProbedBreakerThread, AWaitEndsWithTheDeadlineAndWithTheClient) {
  call_answered();
  breaker_.unreachable(kGone);
  EXPECT_EQ(breaker_.admit(in(milliseconds(1))).code(), Status::kUnreachable);
  std::thread caller([&] { EXPECT_EQ(breaker_.admit(in(kLong)).code(), Status::kClosed); });
  breaker_.close();
  caller.join();
  EXPECT_FALSE(breaker_.unreachable(kGone) && breaker_.admit(in(kLong)));
}

TEST_F(ProbedBreakerThread, ALateAnswerToACallClosesItToo) {
  call_answered();
  call_silent();
  EXPECT_FALSE(breaker_.lets_calls_go());
  breaker_.answered();
  EXPECT_TRUE(breaker_.lets_calls_go());
}

TEST_F(ProbedBreakerThread, ACallThatTakesLongWhileOthersAreAnsweredProvesNothing) {
  auto slow = breaker_.admit(in(kLong));
  ASSERT_TRUE(slow);
  slow->began -= seconds(10);
  call_answered();
  breaker_.silent(*slow, kGone);
  EXPECT_TRUE(breaker_.lets_calls_go());
}

TEST_F(ProbedBreakerThread, TroubleAfterTroubleIsProbedAnew) {
  for (int round = 0; round < 20; ++round) {
    call_silent();
    await_probes(1);
    breaker_.answered();
  }
  EXPECT_EQ(breaker_.opens(), 20u);
}

}  // namespace
}  // namespace aquifer::client
