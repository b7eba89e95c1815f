// The breaker of a service that a thread probes for as long as it does not answer: between calls
// that may wait or be refused (breaker.h decides) and a helper thread that exists only meanwhile.
// Thread-safe. Not a timer of calls: each has its own deadline.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>

#include "aquifer/result.h"
#include "base/random.h"
#include "client/breaker.h"
#include "client/time.h"

namespace aquifer::client {

class ProbedBreaker {
 public:
  /// Success when the service answers, within the deadline. Runs on the helper thread.
  using Probe = std::function<Result<void>(io::Deadline)>;
  /// Callers wait up to `patience` for a service that has answered before. `seed`: probes of many
  /// clients do not come at once.
  ProbedBreaker(Time& time, std::uint64_t seed, Breaker::Duration patience, Probe probe);
  ~ProbedBreaker();
  ProbedBreaker(const ProbedBreaker&) = delete;
  ProbedBreaker& operator=(const ProbedBreaker&) = delete;

  /// A call as it begins: what it takes to judge its end.
  struct Attempt {
    io::Deadline began;
    std::uint64_t answers = 0;
  };

  /// Asked before each call. Waits, at most to the deadline, where that is promising. Errors:
  /// kUnreachable (refused), kClosed.
  Result<Attempt> admit(io::Deadline deadline);

  /// What became of the call.
  void answered() {
    answers_.fetch_add(1, std::memory_order_relaxed);
    if (!is_sound_.load(std::memory_order_relaxed)) {
      recover();
    }
  }
  /// True when admit() would wait: a call with time left had better try again.
  bool unreachable(const Error& error);
  void silent(const Attempt& attempt, const Error& error);

  /// False while calls are refused or wait.
  bool lets_calls_go();
  bool has_answered() const { return answers_.load(std::memory_order_relaxed) != 0; }
  std::uint64_t opens() const;

  /// Ends the thread, soon; admit() answers kClosed from now on. Repeatable.
  void close();

 private:
  void await_probes(std::unique_lock<std::mutex>& lock, io::Deadline deadline);
  void recover();
  void note_trouble(const Error& error);
  void probe_until_sound();
  Error refusal(io::Deadline now) const;

  Time& time_;
  const Breaker::Duration patience_;
  const Probe probe_;
  std::atomic<std::uint64_t> answers_{0};
  std::atomic<bool> is_sound_{true};  ///< breaker_.is_sound(), for calls without trouble

  mutable std::mutex mutex_;  ///< guards what follows
  const std::unique_ptr<Bell> changed_;
  Breaker breaker_;
  std::string cause_;
  base::Random random_;
  std::unique_ptr<Task> thread_;
  bool is_probing_ = false;
  bool closing_ = false;
};

}  // namespace aquifer::client
