// The threads of a simulated process, and time as they have it: real code that waits runs on
// fibers, and while one of them waits, anything else happens in the world. Which of them goes on
// when is a matter of the world's events alone.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "client/time.h"
#include "sim/fiber.h"
#include "sim/world.h"

namespace aquifer::sim {

class Threads final : public client::Time {
 public:
  explicit Threads(Process& process) : process_(process) {}
  ~Threads() override { kill_all(); }

  struct Thread {
    Thread(Stacks& stacks, std::function<void()> body) : fiber(stacks, std::move(body)) {}
    Fiber fiber;
    std::uint64_t waits = 0;  ///< so far; tells one from the next
    bool is_waiting = false;
    void* of = nullptr;  ///< what it runs for
  };
  using ThreadPtr = std::shared_ptr<Thread>;

  /// Begins with the next event; its body ends by itself, or is killed.
  ThreadPtr start(std::function<void()> body, void* of);
  /// The one at work; null between events.
  const ThreadPtr& running() const { return running_; }
  /// Of the one at work: others go on, until wake() or the deadline.
  void wait(io::Deadline deadline);
  /// Of the one at work: others go on for so long.
  void stand_still(Micros time);
  void wake(const ThreadPtr& thread);
  /// What they have on their stacks is destroyed.
  void kill_all();

  io::Deadline now() const override;
  void sleep_until(io::Deadline time) override;
  std::unique_ptr<client::Bell> make_bell() override;
  std::unique_ptr<client::Task> run_beside(std::function<void()> body) override;

 private:
  void resume(const ThreadPtr& thread);
  void go_on_after(Micros delay, const ThreadPtr& thread);

  Process& process_;
  Stacks stacks_;
  std::vector<ThreadPtr> threads_;
  ThreadPtr running_;
};

}  // namespace aquifer::sim
