#include "apps/bench_forks.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <exception>

#include "base/strings.h"

namespace aquifer::apps {
namespace {

/// A tally as it travels.
struct Answer {
  std::uint64_t done = 0;
  std::uint64_t wrong = 0;
  std::array<char, 496> trouble{};  // cut off where it is longer; ends with a zero
};
static_assert(std::is_trivially_copyable_v<Answer> && std::is_trivially_copyable_v<BenchOrder>);

// Messages of a SOCK_SEQPACKET socket are whole or not there.
template <class T>
bool send_whole(int line, const T& value) {
  ssize_t sent = 0;
  while ((sent = send(line, &value, sizeof value, MSG_NOSIGNAL)) < 0 && errno == EINTR) {
  }
  return sent == sizeof value;
}

template <class T>
bool receive_whole(int line, T& value) {
  ssize_t got = 0;
  while ((got = recv(line, &value, sizeof value, 0)) < 0 && errno == EINTR) {
  }
  return got == sizeof value;
}

Answer answer_of(const BenchTally& tally) {
  Answer answer{.done = tally.done, .wrong = tally.wrong};
  tally.trouble.copy(answer.trouble.data(), answer.trouble.size() - 1);
  return answer;
}

void serve(int line, const BenchForks::Work& work) {
  BenchOrder order;
  while (receive_whole(line, order) && send_whole(line, answer_of(work(order)))) {
  }
}

[[noreturn]] void be_member(pid_t parent, int line, unsigned member, const BenchForks::Hire& hire) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) _exit(1);
  try {
    serve(line, hire(member));
  } catch (const std::exception&) {
    _exit(1);  // the parent sees the line end
  }
  _exit(0);
}

Error failed(const char* what) {
  return {Status::kIo, base::cat("a client process of the bench: ", what), ""};
}

}  // namespace

Result<BenchForks> BenchForks::start(unsigned count, const Hire& hire) {
  BenchForks forks;
  const pid_t parent = getpid();
  for (unsigned i = 0; i < count; ++i) {
    std::array<int, 2> ends{};
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends.data()) != 0) {
      return failed(std::strerror(errno));
    }
    base::UniqueFd line(ends[0]);
    base::UniqueFd far_end(ends[1]);
    const pid_t process = fork();
    if (process < 0) return failed(std::strerror(errno));
    if (process == 0) be_member(parent, far_end.get(), i, hire);
    forks.members_.push_back({process, std::move(line)});
  }
  return forks;
}

BenchForks::~BenchForks() {
  // Not just closed: later members have inherited the descriptors of earlier ones.
  for (const Member& member : members_) shutdown(member.line.get(), SHUT_RDWR);
  for (const Member& member : members_) {
    while (waitpid(member.process, nullptr, 0) < 0 && errno == EINTR) {
    }
  }
}

Result<BenchTally> BenchForks::run(BenchOrder order) {
  for (const Member& member : members_) {
    if (!send_whole(member.line.get(), order)) return failed("has ended");
  }
  BenchTally sum;
  for (const Member& member : members_) {
    Answer answer;
    if (!receive_whole(member.line.get(), answer)) return failed("ended during its work");
    sum.done += answer.done;
    sum.wrong += answer.wrong;
    if (sum.trouble.empty()) sum.trouble = answer.trouble.data();
  }
  return sum;
}

}  // namespace aquifer::apps
