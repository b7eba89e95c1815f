#include "apps/explain.h"

#include <gtest/gtest.h>

namespace aquifer::apps {
namespace {

const Request kRequest{.key = "k", .name_space = "n", .meta = "tcp://h:1"};

TEST(Explain, SaysWhichKeyIsMissingWhere) {
  const Error error = explain(Status::kNotFound, kRequest, {});
  EXPECT_EQ(error.message, "'k' is not in namespace 'n'");
  EXPECT_FALSE(error.hint.empty());
}

TEST(Explain, LeavesTheClientsWordsWhereTheyAreAboutTheSameStatus) {
  const Error refused{Status::kUnreachable, "connection refused", "start it"};
  EXPECT_EQ(explain(Status::kUnreachable, kRequest, refused).message, "connection refused");
  EXPECT_EQ(explain(Status::kBusy, kRequest, refused).code, Status::kBusy);
  EXPECT_NE(explain(Status::kBusy, kRequest, refused).message, "connection refused");
}

TEST(Explain, DoesNotRepeatABareStatus) {
  const Error bare{Status::kTimeout, "timeout", ""};
  EXPECT_EQ(explain(Status::kTimeout, kRequest, bare).message, "the deadline passed");
}

TEST(Explain, SaysThatTooManyCopiesWereAskedFor) {
  Request request = kRequest;
  request.replicas = 3;
  const Error error = explain(Status::kNoSpace, request, {});
  EXPECT_NE(error.message.find("no 3 nodes"), std::string::npos) << error.message;
  EXPECT_NE(explain(Status::kNoSpace, kRequest, {}).message, error.message);
}

TEST(Explain, HasAMessageForEveryStatus) {
  for (int number = 2; number < 60; ++number) {
    const Error error = explain(static_cast<Status>(number), kRequest, {});
    EXPECT_EQ(error.code, static_cast<Status>(number));
    EXPECT_FALSE(error.message.empty()) << number;
  }
}

TEST(CheckKey, NamesTheLimit) {
  EXPECT_FALSE(check_key("k"));
  EXPECT_FALSE(check_key(std::string(1024, 'k')));
  for (const std::string& key : {std::string(), std::string(1025, 'k')}) {
    const auto error = check_key(key);
    ASSERT_TRUE(error);
    EXPECT_EQ(error->code, Status::kInvalidArgument);
    EXPECT_EQ(error->hint, "a key has 1 to 1024 bytes");
  }
}

TEST(Quoted, ShowsControlCharactersAndLeavesTheRest) {
  EXPECT_EQ(quoted("a\x1b[1m\n"), "'a\\x1b[1m\\x0a'");
  EXPECT_EQ(quoted("grün"), "'grün'");
}

}  // namespace
}  // namespace aquifer::apps
