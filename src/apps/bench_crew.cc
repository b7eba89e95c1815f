#include "apps/bench_crew.h"

namespace aquifer::apps {

BenchCrew::BenchCrew(unsigned members) {
  for (unsigned member = 1; member < members; ++member) {
    threads_.emplace_back([this, member] { serve(member); });
  }
}

BenchCrew::~BenchCrew() {
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
  }
  changed_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

void BenchCrew::run(const std::function<void(unsigned)>& job) {
  {
    const std::lock_guard lock(mutex_);
    job_ = &job;
    busy_ = static_cast<unsigned>(threads_.size());
    ++round_;
  }
  if (!threads_.empty()) changed_.notify_all();
  job(0);
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return busy_ == 0; });
}

void BenchCrew::serve(unsigned member) {
  unsigned seen = 0;
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [&] { return ending_ || round_ != seen; });
    if (ending_) return;
    seen = round_;
    const auto& job = *job_;
    lock.unlock();
    job(member);
    lock.lock();
    if (--busy_ == 0) changed_.notify_all();
  }
}

}  // namespace aquifer::apps
