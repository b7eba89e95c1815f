#include "memory/streaming.h"

#include <gtest/gtest.h>

#include <map>

namespace aquifer::memory {
namespace {

using std::chrono::nanoseconds;

constexpr std::size_t kBytes = 1 << 20;

// Runs `runs` runs of which those with `slow` take twice as long; how often each walk had its turn.
std::map<Stores, unsigned> run(StreamingChoice& choice, Stores slow, unsigned runs) {
  std::map<Stores, unsigned> turns;
  for (unsigned i = 0; i < runs; ++i) {
    const Stores walk = choice.next();
    ++turns[walk];
    choice.took(walk, kBytes, nanoseconds(walk == slow ? 120'000 : 60'000));
  }
  return turns;
}

TEST(StreamingChoice, SettlesForTheFasterWalkAndGoesOnTryingTheOther) {
  for (const Stores slow : {Stores::kStreaming, Stores::kStreamingPages}) {
    StreamingChoice choice;
    auto first = run(choice, slow, StreamingChoice::kFirstRuns);
    EXPECT_EQ(first[Stores::kStreaming], first[Stores::kStreamingPages]);
    EXPECT_NE(choice.better(), slow);
    auto later = run(choice, slow, 10 * StreamingChoice::kEvery);
    EXPECT_EQ(later[slow], 10u);
  }
}

TEST(StreamingChoice, ChangesItsMindWhenTheOtherBecomesFaster) {
  StreamingChoice choice;
  run(choice, Stores::kStreaming, 200);
  run(choice, Stores::kStreamingPages, 100 * StreamingChoice::kEvery);
  EXPECT_EQ(choice.better(), Stores::kStreaming);
}

TEST(StreamingChoice, OneRunThatWasHeldUpDecidesNothing) {
  StreamingChoice choice;
  run(choice, Stores::kStreamingPages, 200);
  choice.took(Stores::kStreaming, kBytes, std::chrono::seconds(5));
  EXPECT_EQ(choice.better(), Stores::kStreaming);
}

TEST(StreamingThreshold, IsBetweenItsBounds) {
  EXPECT_GE(streaming_threshold(), 64u << 10);
  EXPECT_LE(streaming_threshold(), 1u << 20);
}

}  // namespace
}  // namespace aquifer::memory
