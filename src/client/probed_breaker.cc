#include "client/probed_breaker.h"

#include <algorithm>

#include "base/strings.h"

namespace aquifer::client {
namespace {

using State = Breaker::State;

// A live service answers a probe in less than a millisecond; one that is stopped is connected to by
// its kernel and says nothing.
constexpr std::chrono::milliseconds kProbeTime{500};

// "3.2 s"
std::string seconds(Breaker::Duration time) {
  const auto tenths = std::max<std::int64_t>(
      std::chrono::ceil<std::chrono::duration<std::int64_t, std::deci>>(time).count(), 0);
  return base::cat(tenths / 10, ".", tenths % 10, " s");
}

}  // namespace

ProbedBreaker::ProbedBreaker(Time& time, std::uint64_t seed, Breaker::Duration patience,
                             Probe probe)
    : time_(time),
      patience_(patience),
      probe_(std::move(probe)),
      changed_(time.make_bell()),
      random_(seed) {}

ProbedBreaker::~ProbedBreaker() { close(); }

Result<ProbedBreaker::Attempt> ProbedBreaker::admit(io::Deadline deadline) {
  if (!is_sound_.load(std::memory_order_relaxed)) {
    std::unique_lock lock(mutex_);
    await_probes(lock, deadline);
    if (closing_) {
      return Error{Status::kClosed, "this client has been closed", {}};
    }
    if (const auto now = time_.now(); breaker_.state(now) != State::kClosed) {
      return refusal(now);
    }
  }
  return Attempt{time_.now(), answers_.load(std::memory_order_relaxed)};
}

void ProbedBreaker::await_probes(std::unique_lock<std::mutex>& lock, io::Deadline deadline) {
  const auto began = time_.now();
  if (closing_ || breaker_.state(began) != State::kWaiting) {
    return;
  }
  // Who waits already goes on waiting when the breaker opens for those who come later.
  const bool is_over = changed_->wait_until(lock, std::min(deadline, breaker_.waits_until()), [&] {
    return closing_ || breaker_.state(began) == State::kClosed;
  });
  if (const auto now = time_.now(); !is_over && now >= deadline) {
    breaker_.silent(now - began, now);
  }
}

Error ProbedBreaker::refusal(io::Deadline now) const {
  const auto next = breaker_.next_probe() - now;
  return {
      Status::kUnreachable,
      base::cat("no answer for ", seconds(now - breaker_.since()), " (", cause_,
                "); the next look ",
                next > Breaker::Duration::zero() ? "is in " + seconds(next) : "is under way"),
      "start it, or let it go on, or give the client another address; calls go on by themselves "
      "when it answers"};
}

bool ProbedBreaker::lets_calls_go() {
  if (is_sound_.load(std::memory_order_relaxed)) {
    return true;
  }
  const std::lock_guard lock(mutex_);
  return breaker_.state(time_.now()) == State::kClosed;
}

std::uint64_t ProbedBreaker::opens() const {
  const std::lock_guard lock(mutex_);
  return breaker_.opens();
}

void ProbedBreaker::recover() {
  const std::lock_guard lock(mutex_);
  breaker_.answered();
  is_sound_ = true;
  changed_->ring();
}

bool ProbedBreaker::unreachable(const Error& error) {
  const std::lock_guard lock(mutex_);
  const auto now = time_.now();
  breaker_.unreachable(now, has_answered() ? patience_ : Breaker::Duration::zero());
  note_trouble(error);
  return breaker_.state(now) == State::kWaiting;
}

void ProbedBreaker::silent(const Attempt& attempt, const Error& error) {
  if (answers_.load(std::memory_order_relaxed) != attempt.answers) {
    return;  // others were answered meanwhile: it lives, and what was asked for takes long
  }
  const std::lock_guard lock(mutex_);
  const auto now = time_.now();
  breaker_.silent(now - attempt.began, now);
  note_trouble(error);
}

// Requires mutex_.
void ProbedBreaker::note_trouble(const Error& error) {
  is_sound_ = false;
  cause_ = error.message;
  if (closing_ || is_probing_ || breaker_.state(time_.now()) == State::kClosed) {
    return;
  }
  thread_.reset();  // it has given up is_probing_, and ends
  thread_ = time_.run_beside([this] { probe_until_sound(); });
  is_probing_ = thread_ != nullptr;
  if (!is_probing_) {
    breaker_.answered();  // no thread to be had: calls have to find out for themselves
    is_sound_ = true;
  }
}

void ProbedBreaker::probe_until_sound() {
  std::unique_lock lock(mutex_);
  const auto is_over = [&] { return closing_ || breaker_.is_sound(); };
  while (!is_over()) {
    if (changed_->wait_until(lock, breaker_.next_probe(), is_over)) {
      break;
    }
    lock.unlock();
    auto probed = probe_(time_.now() + kProbeTime);
    lock.lock();
    if (probed) {
      breaker_.answered();
      is_sound_ = true;
      changed_->ring();
    } else {
      cause_ = probed.error().message;
      breaker_.probe_failed(time_.now(), random_.next());
    }
  }
  is_probing_ = false;
}

void ProbedBreaker::close() {
  std::unique_ptr<Task> thread;  // ends outside of the lock
  {
    const std::lock_guard lock(mutex_);
    closing_ = true;
    changed_->ring();
    thread = std::move(thread_);
  }
}

}  // namespace aquifer::client
