// Processes of a bench that do the same kind of work at the same time, each with a client of its
// own: forked, told by one word what to do next, ended with the bench. Knows nothing of the work.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "aquifer/result.h"
#include "base/unique_fd.h"

namespace aquifer::apps {

/// What to do next. A plain value that travels through a socket.
struct BenchOrder {
  std::uint32_t act = 0;  ///< what the work understands
  std::uint32_t round = 0;
};

/// What came of one order, or of all processes together.
struct BenchTally {
  std::uint64_t done = 0;
  std::uint64_t wrong = 0;  ///< answers that were not what they must be
  std::string trouble{};    ///< the first of them, in words
};

class BenchForks {
 public:
  using Work = std::function<BenchTally(BenchOrder)>;
  /// Called once in each process, which owns what it makes.
  using Hire = std::function<Work(unsigned member)>;

  /// Forks `count` processes. Requires that no thread of this process runs what they will need.
  /// Errors: kIo.
  static Result<BenchForks> start(unsigned count, const Hire& hire);

  BenchForks(BenchForks&&) noexcept = default;
  BenchForks& operator=(BenchForks&&) = delete;
  ~BenchForks();

  unsigned members() const { return static_cast<unsigned>(members_.size()); }

  /// All processes carry the order out at the same time; the sum when the last is done. Errors:
  /// kIo, when a process has ended.
  Result<BenchTally> run(BenchOrder order);

 private:
  struct Member {
    pid_t process = -1;
    base::UniqueFd line;
  };
  BenchForks() = default;
  std::vector<Member> members_;
};

}  // namespace aquifer::apps
