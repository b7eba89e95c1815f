#include "apps/bench_python.h"

#include <gtest/gtest.h>

namespace aquifer::apps {
namespace {

TEST(PythonRounds, AreReadLineByLine) {
  const auto rounds = parse_python_rounds("1.5 9.25 2.0 0\n1.25 8 2 3\n");
  ASSERT_TRUE(rounds.has_value());
  ASSERT_EQ(rounds->size(), 2);
  EXPECT_EQ(rounds->at(0).p99, 9.25);
  EXPECT_EQ(rounds->at(1).wrong, 3);
}

TEST(PythonRounds, ThatAreSomethingElseAreRefused) {
  for (const char* text : {"1.5 9 2\n", "Traceback\n", "1 2 3 0 4\n", "1 2 3 0\n\n"}) {
    EXPECT_FALSE(parse_python_rounds(text).has_value()) << text;
  }
}

TEST(PythonGets, SayWhatIsMissing) {
  const auto outcome = time_python_gets({.program = "no-such-python", .meta = "", .rounds = 1});
  ASSERT_TRUE(outcome.ok()) << outcome.error().message;
  EXPECT_EQ(outcome->missing, "there is no no-such-python");
  EXPECT_EQ(time_python_gets({.program = "true", .meta = "", .rounds = 1}).code(), Status::kIo);
}

}  // namespace
}  // namespace aquifer::apps
