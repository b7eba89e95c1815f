#include "client/breaker.h"

#include <algorithm>

namespace aquifer::client {

void Breaker::answered() {
  state_ = State::kClosed;
  weak_evidence_ = 0;
}

void Breaker::begin_trouble(Time since) {
  if (is_sound()) {
    since_ = since;
  }
}

void Breaker::begin_probes(Time first) {
  pause_ = kFirstPause;
  next_probe_ = first;
}

void Breaker::open(Time now) {
  if (state_ == State::kClosed) {
    begin_probes(now);  // a false alarm is over within a round trip
  }
  if (state_ != State::kOpen) {
    state_ = State::kOpen;
    ++opens_;
  }
}

void Breaker::note_weak_evidence(Time now) {
  if (++weak_evidence_ >= kWeakEvidence) {
    open(now);
  }
}

void Breaker::unreachable(Time now, Duration patience) {
  begin_trouble(now);
  if (state_ != State::kClosed) {
    return;  // the probes will tell
  }
  if (patience > Duration::zero()) {
    state_ = State::kWaiting;
    waits_until_ = now + patience;
    begin_probes(now + kFirstPause);  // it was tried just now
  } else {
    note_weak_evidence(now);
  }
}

void Breaker::silent(Duration waited, Time now) {
  begin_trouble(now - waited);
  if (waited >= kSilence) {
    open(now);
  } else {
    note_weak_evidence(now);
  }
}

void Breaker::probe_failed(Time now, std::uint64_t random) {
  const auto half = pause_ / 2;
  next_probe_ =
      now + half +
      Duration(static_cast<Duration::rep>(random % static_cast<std::uint64_t>(half.count() + 1)));
  pause_ = std::min<Duration>(pause_ * 2, kLastPause);
}

Breaker::State Breaker::state(Time now) {
  if (state_ == State::kWaiting && now >= waits_until_) {
    open(now);
  }
  return state_;
}

}  // namespace aquifer::client
