#include "apps/stop_signals.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

namespace aquifer::apps {
namespace {

using std::chrono::milliseconds;

/// Runs `body` in a process of its own, because signals are the process's; returns how it ended.
template <typename Body>
int status_of_child(Body body) {
  const pid_t child = ::fork();
  if (child == 0) ::_exit(body());
  int status = 0;
  EXPECT_EQ(::waitpid(child, &status, 0), child);
  return status;
}

TEST(StopSignals, EachOfThemIsSeen) {
  for (const int signal : {SIGTERM, SIGINT, SIGHUP}) {
    const int status = status_of_child([signal] {
      StopSignals signals;
      if (signals.wait(milliseconds(0))) return 1;
      ::raise(signal);
      return signals.wait(milliseconds(5000)) ? 0 : 2;
    });
    EXPECT_EQ(status, 0) << signal;
  }
}

TEST(StopSignals, ASecondOneEndsTheProcess) {
  const int status = status_of_child([] {
    StopSignals signals;
    ::raise(SIGTERM);
    if (!signals.wait(milliseconds(5000))) return 1;
    ::raise(SIGTERM);
    return 2;
  });
  EXPECT_TRUE(WIFSIGNALED(status));
  EXPECT_EQ(WTERMSIG(status), SIGTERM);
}

TEST(StopSignals, AnIgnoredHangupStaysIgnored) {
  const int status = status_of_child([] {
    std::signal(SIGHUP, SIG_IGN);
    StopSignals signals;
    ::raise(SIGHUP);
    return signals.wait(milliseconds(0)) ? 1 : 0;
  });
  EXPECT_EQ(status, 0);
}

}  // namespace
}  // namespace aquifer::apps
