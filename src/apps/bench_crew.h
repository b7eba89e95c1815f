// A few threads that do the same job together, again and again, without being made anew: the copy
// threads of the measured limits. Not for work that can fail or wait.
#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace aquifer::apps {

class BenchCrew {
 public:
  /// `members` threads in all (at least 1), the one that calls run() included.
  explicit BenchCrew(unsigned members);
  ~BenchCrew();
  BenchCrew(const BenchCrew&) = delete;
  BenchCrew& operator=(const BenchCrew&) = delete;

  unsigned members() const { return static_cast<unsigned>(threads_.size()) + 1; }

  /// Calls job(0) ... job(members - 1), each on its own thread, job(0) on the caller's; returns
  /// when all have returned. The job must not throw. One caller at a time.
  void run(const std::function<void(unsigned)>& job);

 private:
  void serve(unsigned member);

  std::mutex mutex_;
  std::condition_variable changed_;
  const std::function<void(unsigned)>* job_ = nullptr;
  unsigned round_ = 0;
  unsigned busy_ = 0;
  bool ending_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace aquifer::apps
