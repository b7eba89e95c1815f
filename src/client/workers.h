// The client's helper threads: they share the pieces of one call with the thread that made it.
// Started at the first call that can use them, ended with the client. Not a queue: a call's work
// never outlives the call.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace aquifer::client {

class Workers {
 public:
  /// At most `helpers` threads besides the callers.
  explicit Workers(unsigned helpers) : helpers_(helpers) {}
  ~Workers();

  /// Calls task(0) ... task(count - 1), each once, on the calling thread and on helpers that are
  /// free; at most `threads` at a time. Returns when all have ended. `task` must not throw.
  /// Thread-safe.
  void run(std::size_t count, unsigned threads, const std::function<void(std::size_t)>& task);

 private:
  struct Job {
    const std::function<void(std::size_t)>* task;
    std::size_t count;
    std::atomic<std::size_t> next{0};
    unsigned helpers_wanted;
    unsigned helpers_at_work = 0;
  };
  void start_threads();
  void help();
  static void work_on(Job& job);

  const unsigned helpers_;
  std::mutex mutex_;
  std::condition_variable work_;
  std::condition_variable idle_;
  std::vector<Job*> jobs_;
  std::vector<std::thread> threads_;
  bool stopping_ = false;
};

}  // namespace aquifer::client
