#include "client/workers.h"

#include <algorithm>

namespace aquifer::client {

Workers::~Workers() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    work_.notify_all();
  }
  for (std::thread& thread : threads_) {
    thread.join();
  }
}

void Workers::work_on(Job& job) {
  for (std::size_t i = job.next.fetch_add(1); i < job.count; i = job.next.fetch_add(1)) {
    (*job.task)(i);
  }
}

void Workers::start_threads() {
  while (threads_.size() < helpers_) {
    threads_.emplace_back([this] { help(); });
  }
}

void Workers::help() {
  std::unique_lock lock(mutex_);
  for (;;) {
    work_.wait(lock, [&] { return stopping_ || !jobs_.empty(); });
    if (stopping_) {
      return;
    }
    Job& job = *jobs_.back();
    ++job.helpers_at_work;
    if (--job.helpers_wanted == 0) {
      jobs_.pop_back();
    }
    lock.unlock();
    work_on(job);
    lock.lock();
    if (--job.helpers_at_work == 0) {
      idle_.notify_all();
    }
  }
}

void Workers::run(std::size_t count, unsigned threads,
                  const std::function<void(std::size_t)>& task) {
  Job job{&task,
          count,
          {},
          static_cast<unsigned>(std::min<std::size_t>({helpers_, threads - 1, count - 1})),
          0};
  if (count == 0) {
    return;
  }
  if (job.helpers_wanted > 0) {
    const std::lock_guard lock(mutex_);
    start_threads();
    jobs_.push_back(&job);
    work_.notify_all();
  }
  work_on(job);
  if (helpers_ == 0 || threads <= 1 || count <= 1) {
    return;
  }
  std::unique_lock lock(mutex_);
  std::erase(jobs_, &job);
  idle_.wait(lock, [&] { return job.helpers_at_work == 0; });
}

}  // namespace aquifer::client
