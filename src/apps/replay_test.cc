#include "apps/replay.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace aquifer::apps {
namespace {

ReplayOutcome some_outcome() {
  ReplayOutcome outcome;
  outcome.requests = 50;
  outcome.hits = {.blocks = 1000, .hits = 215};
  outcome.model = {.blocks = 1000, .hits = 216};
  outcome.model_capacity = 100;
  outcome.read_bytes = 2'000'000'000;
  outcome.written_bytes = 1'000'000'000;
  return outcome;
}

TEST(ReplayText, ShowsTheRatioBesideTheModelAndTheKnownOne) {
  ReplayOutcome outcome = some_outcome();
  EXPECT_EQ(replay_text(outcome).find("known for this trace"), std::string::npos);
  outcome.known = 0.215;
  const std::string text = replay_text(outcome);
  for (const char* part : {"0.2150", "0.2160", "plain LRU of 100 blocks", "known for this trace",
                           "50 requests", "2.00 GB read", "verified: yes"}) {
    EXPECT_NE(text.find(part), std::string::npos) << part << "\n" << text;
  }
}

TEST(ReplayText, SaysWhatWentWrongFirst) {
  ReplayOutcome outcome = some_outcome();
  outcome.wrong_blocks = 1;
  outcome.trouble = "compare of replay/7: integrity";
  const std::string text = replay_text(outcome);
  EXPECT_NE(text.find("verified: NO"), std::string::npos);
  EXPECT_NE(text.find("first trouble: compare of replay/7"), std::string::npos);
}

TEST(ReplayJson, HasTheFieldsThatOthersReadUnderTheirNames) {
  const auto json = nlohmann::json::parse(replay_json(some_outcome()));
  EXPECT_EQ(json.at("hit_ratio"), 0.215);
  EXPECT_EQ(json.at("blocks"), 1000);
  EXPECT_EQ(json.at("hits"), 215);
  EXPECT_EQ(json.at("requests"), 50);
  EXPECT_EQ(json.at("gb_moved"), 3.0);
  EXPECT_EQ(json.at("verified"), true);
  EXPECT_TRUE(json.at("known_hit_ratio").is_null());
  EXPECT_EQ(json.at("latency").at("get").at("p99_ms"), 0.0);
}

}  // namespace
}  // namespace aquifer::apps
