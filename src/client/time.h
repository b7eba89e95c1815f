// Time as a session has it: what it reads as the clock, and how it waits. The system's for clients
// (system_time.h), and the virtual one of the simulator, where whoever waits lets others go on.
#pragma once

#include <functional>
#include <memory>
#include <mutex>

#include "io/socket.h"

namespace aquifer::client {

/// Where callers wait for something that others change under a mutex; as a condition variable.
class Bell {
 public:
  virtual ~Bell() = default;
  /// Waits until `is_so` or the deadline, the lock given up meanwhile; what `is_so` says in the
  /// end.
  virtual bool wait_until(std::unique_lock<std::mutex>& lock, io::Deadline deadline,
                          const std::function<bool()>& is_so) = 0;
  /// Everybody who waits looks again.
  virtual void ring() = 0;
};

/// Something that runs beside the callers.
class Task {
 public:
  /// Waits until it has ended.
  virtual ~Task() = default;
};

class Time {
 public:
  virtual ~Time() = default;
  virtual io::Deadline now() const = 0;
  virtual void sleep_until(io::Deadline time) = 0;
  virtual std::unique_ptr<Bell> make_bell() = 0;
  /// Null when no thread is to be had.
  virtual std::unique_ptr<Task> run_beside(std::function<void()> body) = 0;
};

}  // namespace aquifer::client
