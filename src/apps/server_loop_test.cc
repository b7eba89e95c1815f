#include "apps/server_loop.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>

namespace aquifer::apps {
namespace {

using std::chrono::milliseconds;

struct Ended {
  int code = -1;
  std::string output;
};

/// Serves in a process of its own, which has its own signals, and returns what it printed.
template <typename Body>
Ended run_in_child(Body body) {
  std::array<int, 2> ends{};
  EXPECT_EQ(::pipe(ends.data()), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    StopSignals signals;
    ::_exit(body(Report("node", false, {.output = ends[1], .errors = ends[1]}), signals));
  }
  ::close(ends[1]);
  int status = 0;
  EXPECT_EQ(::waitpid(child, &status, 0), child);
  std::array<char, 512> text{};
  const ssize_t size = ::read(ends[0], text.data(), text.size());
  ::close(ends[0]);
  return {WIFEXITED(status) ? WEXITSTATUS(status) : -1,
          {text.data(), static_cast<std::size_t>(size)}};
}

TEST(Serve, SaysReadyOnceAndEndsWithASignal) {
  const Ended ended = run_in_child([](const Report& report, StopSignals& signals) {
    int turns = 0;
    bool stopped = false;
    const Served served{.wait_ready = [&](milliseconds) { return ++turns == 3; },
                        .wait_failed =
                            [&](milliseconds) {
                              if (turns == 3) ::raise(SIGTERM);
                              return std::optional<Error>();
                            },
                        .stop = [&] { stopped = true; }};
    const int code = serve(report, signals, served, "ready node a");
    return stopped ? code : 99;
  });
  EXPECT_EQ(ended.code, 0);
  EXPECT_EQ(ended.output, "ready node a\n");
}

TEST(Serve, EndsWithTheErrorOfAServerThatFailed) {
  const Ended ended = run_in_child([](const Report& report, StopSignals& signals) {
    bool stopped = false;
    const Served served{
        .wait_ready = [](milliseconds) { return false; },
        .wait_failed =
            [](milliseconds) {
              return std::optional<Error>({Status::kConflict, "the name is taken", "choose"});
            },
        .stop = [&] { stopped = true; }};
    const int code = serve(report, signals, served, "ready node a");
    return stopped ? code : 99;
  });
  EXPECT_EQ(ended.code, 5);
  EXPECT_EQ(ended.output, "aquifer node: the name is taken\n  hint: choose\n");
}

TEST(AsksForFaults, OnlyByName) {
  const std::array with = {"--listen", "x", "--fault-reuse-limbo"};
  const std::array without = {"--listen", "x"};
  EXPECT_TRUE(asks_for_faults(with));
  EXPECT_FALSE(asks_for_faults(without));
}

}  // namespace
}  // namespace aquifer::apps
