#include "client/system_time.h"

#include <pthread.h>
#include <signal.h>

#include <condition_variable>
#include <system_error>
#include <thread>

namespace aquifer::client {
namespace {

class SystemBell final : public Bell {
 public:
  bool wait_until(std::unique_lock<std::mutex>& lock, io::Deadline deadline,
                  const std::function<bool()>& is_so) override {
    return changed_.wait_until(lock, deadline, is_so);
  }
  void ring() override { changed_.notify_all(); }

 private:
  std::condition_variable changed_;
};

class ThreadTask final : public Task {
 public:
  explicit ThreadTask(std::function<void()> body) : thread_(std::move(body)) {}
  ~ThreadTask() override { thread_.join(); }

 private:
  std::thread thread_;
};

// Threads started meanwhile take no signal.
class SignalsBlocked {
 public:
  SignalsBlocked() {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before_);
  }
  ~SignalsBlocked() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  SignalsBlocked(const SignalsBlocked&) = delete;
  SignalsBlocked& operator=(const SignalsBlocked&) = delete;

 private:
  sigset_t before_{};
};

}  // namespace

void SystemTime::sleep_until(io::Deadline time) { std::this_thread::sleep_until(time); }

std::unique_ptr<Bell> SystemTime::make_bell() { return std::make_unique<SystemBell>(); }

std::unique_ptr<Task> SystemTime::run_beside(std::function<void()> body) {
  try {
    const SignalsBlocked blocked;
    return std::make_unique<ThreadTask>(std::move(body));
  } catch (const std::system_error&) {
    return nullptr;
  }
}

}  // namespace aquifer::client
