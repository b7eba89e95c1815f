#include "apps/bench_python.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <sstream>
#include <utility>

#include "base/strings.h"
#include "base/unique_fd.h"

namespace aquifer::apps {

extern const char kBenchPython[];

namespace {

constexpr int kNoModule = 3;     // of the script
constexpr int kNoProgram = 127;  // as a shell has it

[[noreturn]] void become_python(pid_t parent, int output, char* const* words) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) _exit(1);
  dup2(output, 1);
  execvp(words[0], words);
  _exit(kNoProgram);
}

std::string read_to_the_end(int from) {
  std::string text;
  std::array<char, 4096> part{};
  ssize_t got = 0;
  while ((got = read(from, part.data(), part.size())) > 0 || (got < 0 && errno == EINTR)) {
    if (got > 0) text.append(part.data(), static_cast<std::size_t>(got));
  }
  return text;
}

int await_end(pid_t child) {
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  return status;
}

}  // namespace

std::optional<std::vector<CallTimes>> parse_python_rounds(const std::string& text) {
  std::istringstream lines(text);
  std::vector<CallTimes> rounds;
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    CallTimes times;
    if (!(words >> times.p50 >> times.p99 >> times.mean >> times.wrong) ||
        !(words >> std::ws).eof()) {
      return std::nullopt;
    }
    rounds.push_back(times);
  }
  return rounds;
}

Result<PythonOutcome> time_python_gets(const PythonCalls& wanted) {
  std::array<int, 2> ends{};
  if (pipe2(ends.data(), O_CLOEXEC) != 0) {
    return Error{Status::kIo, base::cat("cannot start Python: ", std::strerror(errno)), ""};
  }
  const base::UniqueFd read_end(ends[0]);
  base::UniqueFd write_end(ends[1]);
  std::vector<std::string> words{wanted.program,
                                 "-c",
                                 kBenchPython,
                                 wanted.meta,
                                 std::to_string(wanted.calls),
                                 std::to_string(wanted.rounds)};
  std::vector<char*> pointers;
  for (std::string& word : words) pointers.push_back(word.data());
  pointers.push_back(nullptr);
  const pid_t parent = getpid();
  const pid_t child = fork();
  if (child < 0) return Error{Status::kIo, base::cat("cannot fork: ", std::strerror(errno)), ""};
  if (child == 0) become_python(parent, write_end.get(), pointers.data());
  write_end.reset();
  const std::string text = read_to_the_end(read_end.get());
  const int status = await_end(child);
  const int code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  if (code == kNoProgram)
    return PythonOutcome{.missing = base::cat("there is no ", wanted.program)};
  if (code == kNoModule) {
    return PythonOutcome{.missing = base::cat(wanted.program, ": ", text)};
  }
  auto rounds = parse_python_rounds(text);
  if (code != 0 || !rounds || rounds->size() != wanted.rounds) {
    return Error{Status::kIo, base::cat(wanted.program, " did not measure what it was asked to"),
                 "its own words are above"};
  }
  return PythonOutcome{std::move(*rounds), static_cast<std::uint64_t>(child), {}};
}

}  // namespace aquifer::apps
