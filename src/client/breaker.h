// When to stop asking a service that does not answer, and when to look whether it is back: a
// circuit breaker as a plain state machine. Time and randomness come in as parameters. Not here:
// locks, threads, sockets (probed_breaker.h has them).
//
//   +--------+   unreachable    +---------+   patience is over, or silent   +------+
//   | closed | ---------------> | waiting | ------------------------------> | open |
//   +--------+                  +---------+                                 +------+
//     ^    |         answered        |                                        |  ^
//     +----|-------------------------+----------------------------------------+  |
//          +---------------------------------------------------------------------+
//             silent; or unreachable, and there is no patience
//
// A service that was there a moment ago and cannot be reached now is most likely being restarted:
// callers have patience, and wait for the outcome of the probes, each within its own deadline. One
// that was never reached, or lets calls wait in vain, has cost its callers enough: calls are
// refused at once, until a probe succeeds.
#pragma once

#include <chrono>
#include <cstdint>

#include "io/socket.h"

namespace aquifer::client {

class Breaker {
 public:
  using Time = io::Deadline;
  using Duration = io::Clock::duration;

  enum class State : std::uint8_t {
    kClosed,   ///< calls go
    kWaiting,  ///< calls wait for the next probe that succeeds, until waits_until()
    kOpen,     ///< calls are refused
  };

  /// Waiting in vain for less is weak evidence (the caller was in a hurry), as is a refused
  /// connection: so many of these in a row open the breaker.
  static constexpr std::chrono::milliseconds kSilence{100};
  static constexpr unsigned kWeakEvidence = 3;
  /// Between two probes: doubled from the first to the last, less up to half of it at random.
  static constexpr std::chrono::milliseconds kFirstPause{50};
  static constexpr std::chrono::milliseconds kLastPause{1000};

  /// The service has answered, to a call or a probe: whatever was wrong is over.
  void answered();
  /// A call found no way to the service: refused, or the connection broke. Waiting for its return
  /// is worth so much time; zero: none.
  void unreachable(Time now, Duration patience);
  /// A call has waited so long, its whole deadline, and nobody had an answer in that time.
  void silent(Duration waited, Time now);
  void probe_failed(Time now, std::uint64_t random);

  State state(Time now);
  /// True when there is no trouble at all, not even weak evidence.
  bool is_sound() const { return state_ == State::kClosed && weak_evidence_ == 0; }
  Time waits_until() const { return waits_until_; }
  Time next_probe() const { return next_probe_; }
  /// When the present trouble began.
  Time since() const { return since_; }
  /// How often calls began to be refused.
  std::uint64_t opens() const { return opens_; }

 private:
  void begin_trouble(Time since);
  void note_weak_evidence(Time now);
  void begin_probes(Time first);
  void open(Time now);

  State state_ = State::kClosed;
  unsigned weak_evidence_ = 0;  ///< in a row
  Time since_{};
  Time waits_until_{};
  Time next_probe_{};
  Duration pause_ = kFirstPause;
  std::uint64_t opens_ = 0;
};

}  // namespace aquifer::client
