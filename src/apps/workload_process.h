// A server as a child process: started, awaited until it says that it is ready,
// ended. It ends with the thread that started it at the latest, so a killed measurement leaves
// nothing behind.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <functional>
#include <string>
#include <vector>

#include "aquifer/result.h"
#include "base/unique_fd.h"

namespace aquifer::apps {

class ChildProcess {
 public:
  /// Runs `program` with `arguments` (without its name) and waits up to `patience` for its first
  /// line on stdout. The child does not see AQUIFER_META* and AQUIFER_NODE*, so that what is
  /// measured is what is said here. Errors: kIo, kTimeout; with what the child wrote to stderr.
  static Result<ChildProcess> start(const std::string& program,
                                    const std::vector<std::string>& arguments,
                                    std::chrono::milliseconds patience);

  /// The same for a program that prints nothing when it is ready: asks `is_ready` again and again
  /// instead. It must print less than a pipe holds.
  static Result<ChildProcess> start_until(const std::string& program,
                                          const std::vector<std::string>& arguments,
                                          const std::function<bool()>& is_ready,
                                          std::chrono::milliseconds patience);

  ChildProcess(ChildProcess&& other) noexcept;
  ChildProcess& operator=(ChildProcess&&) = delete;
  ~ChildProcess();

  pid_t pid() const { return pid_; }
  const std::string& first_line() const { return first_line_; }

  /// Ends the child by SIGTERM, and by SIGKILL when it has not ended after `patience`. Repeatable.
  /// Errors: kIo, when it did not end by itself and with status 0.
  Result<void> stop(std::chrono::milliseconds patience);

  /// Ends the child by SIGKILL and waits until it is gone. Repeatable.
  void kill();

 private:
  ChildProcess(pid_t pid, base::UniqueFd output, base::UniqueFd errors);
  static Result<ChildProcess> spawn(const std::string& program,
                                    const std::vector<std::string>& arguments);
  Result<void> await(const std::function<bool()>& is_ready, std::chrono::milliseconds patience);
  Result<void> await_first_line(std::chrono::milliseconds patience);
  Error failed(Status code, const std::string& what) const;

  std::string name_;
  pid_t pid_;
  base::UniqueFd output_;  // read end; stays open, so that the child can go on printing
  base::UniqueFd errors_;  // a memfd that collects stderr
  std::string first_line_;
};

}  // namespace aquifer::apps
