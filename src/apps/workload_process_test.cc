#include "apps/workload_process.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>

#include <cerrno>

namespace aquifer::apps {
namespace {

using namespace std::chrono_literals;

Result<ChildProcess> shell(const std::string& script, std::chrono::milliseconds patience = 10s) {
  return ChildProcess::start("/bin/sh", {"-c", script}, patience);
}

bool has_no_children() { return waitpid(-1, nullptr, WNOHANG) == -1 && errno == ECHILD; }

TEST(ChildProcess, IsAwaitedUntilItsFirstLineAndEndedBySigterm) {
  auto child = shell("trap 'exit 0' TERM; echo ready here; while :; do sleep 0.01; done");
  ASSERT_TRUE(child.ok()) << child.error().message;
  EXPECT_EQ(child->first_line(), "ready here");
  EXPECT_EQ(kill(child->pid(), 0), 0);
  const auto stopped = child->stop(10s);
  EXPECT_TRUE(stopped.ok()) << stopped.error().message;
  EXPECT_TRUE(child->stop(10s).ok());
  EXPECT_TRUE(has_no_children());
}

TEST(ChildProcess, ThatEndsEarlySaysWhatItWroteToStderr) {
  const auto child = shell("echo first >&2; echo the cause >&2; exit 3");
  ASSERT_FALSE(child.ok());
  EXPECT_EQ(child.code(), Status::kIo);
  EXPECT_NE(child.error().message.find("ended before it was ready: first the cause"),
            std::string::npos)
      << child.error().message;
  EXPECT_TRUE(has_no_children());
}

TEST(ChildProcess, ThatNeverGetsReadyIsGivenUp) {
  const auto child = shell("exec sleep 1000", 50ms);
  ASSERT_FALSE(child.ok());
  EXPECT_EQ(child.code(), Status::kTimeout);
  EXPECT_TRUE(has_no_children());
}

TEST(ChildProcess, ThatIgnoresSigtermIsKilledAndReported) {
  auto child = shell("trap '' TERM; echo ready; while :; do sleep 0.01; done");
  ASSERT_TRUE(child.ok()) << child.error().message;
  const auto stopped = child->stop(50ms);
  ASSERT_FALSE(stopped.ok());
  EXPECT_NE(stopped.error().message.find("had to be killed"), std::string::npos);
  EXPECT_TRUE(has_no_children());
}

TEST(ChildProcess, ThatEndsWithAnErrorIsReportedWhenItIsStopped) {
  auto child = shell("echo ready; echo it broke >&2; exit 7");
  ASSERT_TRUE(child.ok()) << child.error().message;
  siginfo_t info;
  ASSERT_EQ(waitid(P_PID, static_cast<id_t>(child->pid()), &info, WEXITED | WNOWAIT), 0);
  const auto stopped = child->stop(10s);
  ASSERT_FALSE(stopped.ok());
  EXPECT_NE(stopped.error().message.find("ended with status 7: it broke"), std::string::npos)
      << stopped.error().message;
}

TEST(ChildProcess, SeesNoVariablesThatSetOptionsOfServers) {
  setenv("AQUIFER_NODE_DRAM", "1GiB", 1);
  auto child = shell("echo \"<$AQUIFER_NODE_DRAM>\"; sleep 1000");
  unsetenv("AQUIFER_NODE_DRAM");
  ASSERT_TRUE(child.ok()) << child.error().message;
  EXPECT_EQ(child->first_line(), "<>");
}

TEST(ChildProcess, ThatCannotBeRunIsAnError) {
  const auto child = ChildProcess::start("/nonexistent/program", {"meta"}, 10s);
  ASSERT_FALSE(child.ok());
  EXPECT_TRUE(child.error().message.starts_with("aquifer meta ended before it was ready"))
      << child.error().message;
}

TEST(ChildProcess, ThatPrintsNothingIsAwaitedByAskingForIt) {
  int asked = 0;
  auto child = ChildProcess::start_until(
      "/bin/sh", {"-c", "trap 'exit 0' TERM; while :; do sleep 0.01; done"},
      [&] { return ++asked == 20; }, 10s);
  ASSERT_TRUE(child.ok()) << child.error().message;
  EXPECT_EQ(asked, 20);
  EXPECT_TRUE(child->stop(10s).ok());
  EXPECT_TRUE(has_no_children());
}

TEST(ChildProcess, ThatPrintsNothingAndEndsOrNeverGetsReadyIsGivenUp) {
  const auto never = [] { return false; };
  const auto ended =
      ChildProcess::start_until("/bin/sh", {"-c", "echo why >&2; exit 1"}, never, 10s);
  ASSERT_FALSE(ended.ok());
  EXPECT_EQ(ended.error().message, "sh ended before it was ready: why");
  const auto late = ChildProcess::start_until("/bin/sh", {"-c", "exec sleep 1000"}, never, 50ms);
  ASSERT_FALSE(late.ok());
  EXPECT_EQ(late.code(), Status::kTimeout);
  EXPECT_TRUE(has_no_children());
}

}  // namespace
}  // namespace aquifer::apps
