#include "apps/workload_process.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <string_view>
#include <thread>
#include <utility>

#include "base/strings.h"

namespace aquifer::apps {
namespace {

using Clock = std::chrono::steady_clock;
constexpr off_t kTailBytes = 2000;

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> found;
  for (std::string& text : texts) found.push_back(text.data());
  found.push_back(nullptr);
  return found;
}

/// The environment without what would set options of a meta or a node.
std::vector<char*> environment_without_options() {
  std::vector<char*> kept;
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
    const std::string_view text = *entry;
    if (text.starts_with("AQUIFER_META") || text.starts_with("AQUIFER_NODE")) continue;
    kept.push_back(*entry);
  }
  kept.push_back(nullptr);
  return kept;
}

/// What the child does between fork and exec: only calls that are safe there.
[[noreturn]] void become(pid_t parent, int output, int errors, const char* program,
                         char** arguments, char** environment) {
  prctl(PR_SET_PDEATHSIG, SIGTERM);
  if (getppid() != parent) _exit(127);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  dup2(output, 1);
  dup2(errors, 2);
  execve(program, arguments, environment);
  _exit(127);
}

/// The last of what the child wrote to stderr, on one line.
std::string tail_of(int file) {
  const off_t size = lseek(file, 0, SEEK_END);
  const off_t from = std::max<off_t>(0, size - kTailBytes);
  std::string text(static_cast<std::size_t>(std::max<off_t>(0, size - from)), '\0');
  const ssize_t got = pread(file, text.data(), text.size(), from);
  text.resize(static_cast<std::size_t>(std::max<ssize_t>(0, got)));
  while (!text.empty() && text.back() == '\n') text.pop_back();
  std::replace(text.begin(), text.end(), '\n', ' ');
  return text;
}

}  // namespace

Result<ChildProcess> ChildProcess::spawn(const std::string& program,
                                         const std::vector<std::string>& arguments) {
  std::array<int, 2> ends{};
  base::UniqueFd errors(memfd_create("aquifer-child-stderr", MFD_CLOEXEC));
  if (!errors || pipe2(ends.data(), O_CLOEXEC) != 0) {
    return Error{Status::kIo, base::cat("cannot start a process: ", std::strerror(errno)), ""};
  }
  base::UniqueFd read_end(ends[0]);
  base::UniqueFd write_end(ends[1]);
  std::vector<std::string> words{"aquifer"};
  words.insert(words.end(), arguments.begin(), arguments.end());
  auto argv = pointers(words);
  auto environment = environment_without_options();
  const pid_t parent = getpid();
  const pid_t pid = fork();
  if (pid < 0) return Error{Status::kIo, base::cat("cannot fork: ", std::strerror(errno)), ""};
  if (pid == 0) {
    become(parent, write_end.get(), errors.get(), program.c_str(), argv.data(), environment.data());
  }
  ChildProcess child(pid, std::move(read_end), std::move(errors));
  child.name_ = arguments.empty() ? program : "aquifer " + arguments.front();
  return child;
}

Result<ChildProcess> ChildProcess::start(const std::string& program,
                                         const std::vector<std::string>& arguments,
                                         std::chrono::milliseconds patience) {
  auto child = spawn(program, arguments);
  if (!child) return child.error();
  if (auto ready = child->await_first_line(patience); !ready) return ready.error();
  return child;
}

Result<ChildProcess> ChildProcess::start_until(const std::string& program,
                                               const std::vector<std::string>& arguments,
                                               const std::function<bool()>& is_ready,
                                               std::chrono::milliseconds patience) {
  auto child = spawn(program, arguments);
  if (!child) return child.error();
  child->name_ = program.substr(program.rfind('/') + 1);
  if (auto ready = child->await(is_ready, patience); !ready) return ready.error();
  return child;
}

ChildProcess::ChildProcess(pid_t pid, base::UniqueFd output, base::UniqueFd errors)
    : pid_(pid), output_(std::move(output)), errors_(std::move(errors)) {}

ChildProcess::ChildProcess(ChildProcess&& other) noexcept
    : name_(std::move(other.name_)),
      pid_(std::exchange(other.pid_, -1)),
      output_(std::move(other.output_)),
      errors_(std::move(other.errors_)),
      first_line_(std::move(other.first_line_)) {}

ChildProcess::~ChildProcess() { (void)stop(std::chrono::seconds(5)); }

Error ChildProcess::failed(Status code, const std::string& what) const {
  const std::string said = tail_of(errors_.get());
  return {code, name_ + " " + what + (said.empty() ? "" : ": " + said), ""};
}

Result<void> ChildProcess::await(const std::function<bool()>& is_ready,
                                 std::chrono::milliseconds patience) {
  const auto deadline = Clock::now() + patience;
  while (!is_ready()) {
    siginfo_t ended{};
    const bool is_gone =
        waitid(P_PID, static_cast<id_t>(pid_), &ended, WEXITED | WNOHANG | WNOWAIT) == 0 &&
        ended.si_pid == pid_;
    if (is_gone) return failed(Status::kIo, "ended before it was ready");
    if (Clock::now() > deadline) return failed(Status::kTimeout, "is not ready");
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  return {};
}

Result<void> ChildProcess::await_first_line(std::chrono::milliseconds patience) {
  const auto deadline = Clock::now() + patience;
  while (true) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now());
    if (left.count() <= 0) return failed(Status::kTimeout, "did not say that it is ready");
    pollfd wait{output_.get(), POLLIN, 0};
    if (poll(&wait, 1, static_cast<int>(std::min<long>(left.count(), 60'000))) <= 0) continue;
    char byte = 0;
    const ssize_t got = read(output_.get(), &byte, 1);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return failed(Status::kIo, "ended before it was ready");
    if (byte == '\n') return {};
    first_line_.push_back(byte);
  }
}

Result<void> ChildProcess::stop(std::chrono::milliseconds patience) {
  if (pid_ < 0) return {};
  const pid_t pid = std::exchange(pid_, -1);
  ::kill(pid, SIGTERM);
  const auto deadline = Clock::now() + patience;
  int status = 0;
  pid_t ended = 0;
  while ((ended = waitpid(pid, &status, WNOHANG)) == 0 && Clock::now() < deadline) {
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  if (ended == 0) {
    ::kill(pid, SIGKILL);
    waitpid(pid, &status, 0);
    return failed(Status::kIo, "had to be killed");
  }
  if (WIFSIGNALED(status)) {
    return failed(Status::kIo, base::cat("was ended by signal ", WTERMSIG(status)));
  }
  if (WEXITSTATUS(status) != 0) {
    return failed(Status::kIo, base::cat("ended with status ", WEXITSTATUS(status)));
  }
  return {};
}

void ChildProcess::kill() {
  if (pid_ < 0) return;
  const pid_t pid = std::exchange(pid_, -1);
  ::kill(pid, SIGKILL);
  waitpid(pid, nullptr, 0);
}

}  // namespace aquifer::apps
