#include "children.h"

#include <signal.h>
#include <spawn.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string_view>
#include <thread>

#include "base/check.h"
#include "crew.h"

namespace aquifer::contention {
namespace {

constexpr std::string_view kChild = "--contend";
constexpr std::chrono::seconds kCallTime{20};

}  // namespace

pid_t start_child(const ChildOrder& order) {
  std::array<std::string, 7> words{"/proc/self/exe",
                                   std::string(kChild),
                                   order.meta,
                                   order.transport == Transport::kTcp ? "tcp" : "shm",
                                   std::to_string(order.board),
                                   std::to_string(order.seed),
                                   std::to_string(getpid())};
  std::array<char*, words.size() + 1> arguments{};
  for (std::size_t i = 0; i < words.size(); ++i) arguments[i] = words[i].data();
  pid_t child = -1;
  AQ_CHECK(posix_spawn(&child, words[0].c_str(), nullptr, nullptr, arguments.data(), environ) == 0);
  return child;
}

bool is_child(int count, char** words) { return count == 7 && words[1] == kChild; }

int run_child(char** words) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != std::atoi(words[6])) return 0;  // it ended before
  Board* board = Board::open(std::atoi(words[4]));
  ClientOptions options;
  options.meta = words[2];
  options.transport = std::string_view(words[3]) == "tcp" ? Transport::kTcp : Transport::kShm;
  options.timeout = kCallTime;
  auto client = Client::open(options);
  if (!client) {
    std::fprintf(stderr, "%s\n", client.error().text().c_str());
    return 1;
  }
  { const Crew crew(*board, {&*client, 1}, 2, 2, std::strtoull(words[5], nullptr, 10)); }
  client->close();
  return 0;
}

int await_end(pid_t child) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  int status = 0;
  while (waitpid(child, &status, WNOHANG) == 0) {
    if (std::chrono::steady_clock::now() > deadline) {
      kill(child, SIGKILL);
      waitpid(child, &status, 0);
      return -1;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return status;
}

}  // namespace aquifer::contention
