#include "sim/threads.h"

#include <algorithm>

#include "base/check.h"

namespace aquifer::sim {
namespace {

constexpr Micros kLookAgain = 100;  // of who waits for the end of a thread

class FiberBell final : public client::Bell {
 public:
  explicit FiberBell(Threads& threads) : threads_(threads) {}

  bool wait_until(std::unique_lock<std::mutex>& lock, io::Deadline deadline,
                  const std::function<bool()>& is_so) override {
    while (!is_so()) {
      if (threads_.now() >= deadline || Fiber::is_unwinding()) {
        return false;
      }
      waiting_.push_back(threads_.running());
      lock.unlock();
      threads_.wait(deadline);
      lock.lock();
    }
    return true;
  }
  void ring() override {
    for (const auto& thread : std::exchange(waiting_, {})) {
      threads_.wake(thread);
    }
  }

 private:
  Threads& threads_;
  std::vector<Threads::ThreadPtr> waiting_;
};

class FiberTask final : public client::Task {
 public:
  FiberTask(Threads& threads, Threads::ThreadPtr thread)
      : threads_(threads), thread_(std::move(thread)) {}
  ~FiberTask() override {
    while (!thread_->fiber.has_ended() && threads_.running() != nullptr && !Fiber::is_unwinding()) {
      threads_.stand_still(kLookAgain);
    }
  }

 private:
  Threads& threads_;
  const Threads::ThreadPtr thread_;
};

}  // namespace

Threads::ThreadPtr Threads::start(std::function<void()> body, void* of) {
  auto thread = std::make_shared<Thread>(stacks_, std::move(body));
  thread->of = of;
  thread->is_waiting = true;
  threads_.push_back(thread);
  go_on_after(0, thread);
  return thread;
}

void Threads::go_on_after(Micros delay, const ThreadPtr& thread) {
  process_.after(delay, [this, thread, number = thread->waits] {
    if (thread->is_waiting && thread->waits == number) {
      resume(thread);
    }
  });
}

void Threads::resume(const ThreadPtr& thread) {
  AQ_CHECK(running_ == nullptr);
  struct Running {
    Threads& threads;
    ~Running() {
      const ThreadPtr done = std::exchange(threads.running_, nullptr);
      if (done->fiber.has_ended()) {
        std::erase(threads.threads_, done);
      }
    }
  } const running{*this};
  running_ = thread;
  thread->is_waiting = false;
  thread->fiber.resume();
}

void Threads::wait(io::Deadline deadline) {
  const ThreadPtr self = running_;
  ++self->waits;
  self->is_waiting = true;
  if (deadline != io::Deadline::max()) {
    const auto left = std::chrono::ceil<std::chrono::microseconds>(deadline - now());
    go_on_after(static_cast<Micros>(std::max<std::int64_t>(left.count(), 0)), self);
  }
  self->fiber.pause();
}

void Threads::stand_still(Micros time) {
  const io::Deadline end = now() + std::chrono::microseconds(time);
  do {
    wait(end);
  } while (now() < end && !Fiber::is_unwinding());
}

void Threads::wake(const ThreadPtr& thread) {
  if (thread->is_waiting) {
    go_on_after(0, thread);
  }
}

// Later ones first, as if each had been waited for by the one before.
void Threads::kill_all() {
  for (auto& thread : std::exchange(threads_, {})) {
    running_ = thread;
    thread->fiber.kill();
  }
  running_ = nullptr;
}

io::Deadline Threads::now() const {
  return io::Deadline(std::chrono::microseconds(process_.world().since_boot()));
}

void Threads::sleep_until(io::Deadline time) {
  while (now() < time && !Fiber::is_unwinding()) {
    wait(time);
  }
}

std::unique_ptr<client::Bell> Threads::make_bell() { return std::make_unique<FiberBell>(*this); }

std::unique_ptr<client::Task> Threads::run_beside(std::function<void()> body) {
  return std::make_unique<FiberTask>(*this, start(std::move(body), nullptr));
}

}  // namespace aquifer::sim
