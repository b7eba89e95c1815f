#include "apps/explain.h"

#include <gtest/gtest.h>

namespace aquifer::apps {
namespace {

TEST(Explain, SaysWhichKeyIsMissingWhere) {
  const Error error = explain(Status::kNotFound, "k", "n", {});
  EXPECT_EQ(error.message, "'k' is not in namespace 'n'");
  EXPECT_FALSE(error.hint.empty());
}

TEST(Explain, LeavesTheClientsWordsWhereTheyAreAboutTheSameStatus) {
  const Error refused{Status::kUnreachable, "connection refused", "start it"};
  EXPECT_EQ(explain(Status::kUnreachable, "k", "n", refused).message, "connection refused");
  EXPECT_EQ(explain(Status::kBusy, "k", "n", refused).code, Status::kBusy);
  EXPECT_NE(explain(Status::kBusy, "k", "n", refused).message, "connection refused");
}

TEST(Explain, DoesNotRepeatABareStatus) {
  const Error bare{Status::kTimeout, "timeout", ""};
  EXPECT_EQ(explain(Status::kTimeout, "k", "n", bare).message, "the pool answered timeout");
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

TEST(Explain, AnotherOpenPutIsNamed) {
  const Error error = explain(Status::kInFlight, "k", "n", {});
  EXPECT_NE(error.message.find("another put of 'k' is open"), std::string::npos);
  EXPECT_NE(error.hint.find("--if-absent"), std::string::npos);
}

}  // namespace
}  // namespace aquifer::apps
