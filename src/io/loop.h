// The event loop of servers: readiness of descriptors, timers, and work posted from other threads.
// One thread runs a loop; everything it calls runs on that thread. Boost.Asio is behind it and
// nowhere else.
#pragma once

#include <chrono>
#include <functional>
#include <memory>

#include "base/unique_fd.h"

namespace aquifer::io {

class Loop {
 public:
  Loop();
  ~Loop();
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  /// Runs until stop(). What the callbacks throw comes out of here.
  void run();
  /// Thread-safe; a loop that has been stopped stays stopped.
  void stop();
  /// Runs `work` on the loop's thread. Thread-safe.
  void post(std::function<void()> work);
  /// Runs `work` on the loop's thread again and again, first after `period`, until the loop ends.
  void every(std::chrono::milliseconds period, std::function<void()> work);
  /// Something is about to come: for so long the loop looks again and again, leaving the processor
  /// to others in between, before it sleeps; less often when nothing came the last times. On the
  /// loop's thread.
  void look_for(std::chrono::microseconds time);
  /// Runs `work` once after `delay`.
  void after(std::chrono::milliseconds delay, std::function<void()> work);

 private:
  friend class Watch;
  struct State;
  std::unique_ptr<State> state_;
};

/// Waits for readiness of one descriptor, which it owns. All calls on the loop's thread. Destroying
/// it cancels the waits and closes the descriptor; no callback comes afterwards.
class Watch {
 public:
  Watch(Loop& loop, base::UniqueFd fd);
  ~Watch();
  Watch(const Watch&) = delete;
  Watch& operator=(const Watch&) = delete;

  int fd() const;
  /// Calls once when the descriptor can be read (or written, or is broken).
  void when_readable(std::function<void()> call);
  void when_writable(std::function<void()> call);

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace aquifer::io
