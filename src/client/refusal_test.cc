#include "client/refusal.h"

#include <gtest/gtest.h>

namespace aquifer::client {
namespace {

const Refused kRefused{.key = "k", .meta = "tcp://h:1"};

TEST(Refusal, SaysNothingOfSuccessesAndMisses) {
  EXPECT_FALSE(refusal(Status::kOk, kRefused));
  EXPECT_FALSE(refusal(Status::kExists, kRefused));
  EXPECT_FALSE(refusal(Status::kNotFound, kRefused));
}

TEST(Refusal, NamesTheKeyAndHasWordsForEveryOtherStatus) {
  for (int number = 3; number < 60; ++number) {
    const auto error = refusal(static_cast<Status>(number), kRefused);
    ASSERT_TRUE(error) << number;
    EXPECT_EQ(error->code, static_cast<Status>(number));
    EXPECT_EQ(error->message.find("\"k\": "), 0U) << error->message;
    EXPECT_GT(error->message.size(), 8U) << number;
  }
}

TEST(Refusal, SaysWhereANodeIsToBeStarted) {
  EXPECT_NE(refusal(Status::kUnreachable, kRefused)->hint.find("--meta tcp://h:1"),
            std::string::npos);
}

TEST(Refusal, SaysThatTooManyReplicasWereAskedFor) {
  const auto one = refusal(Status::kNoSpace, kRefused);
  const auto three = refusal(Status::kNoSpace, {.key = "k", .meta = "tcp://h:1", .replicas = 3});
  EXPECT_NE(three->message.find("no 3 nodes"), std::string::npos) << three->message;
  EXPECT_NE(one->message, three->message);
}

TEST(Refusal, CutsALongKey) {
  const std::string key(1024, 'x');
  EXPECT_LT(refusal(Status::kBusy, {.key = key})->message.size(), 200U);
}

}  // namespace
}  // namespace aquifer::client
