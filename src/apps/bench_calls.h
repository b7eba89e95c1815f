// How long single calls take: each one timed by itself, what surrounds it (making content,
// comparing what was read) outside the time. Does not know what is called.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

#include "aquifer/result.h"

namespace aquifer::apps {

/// One kind of call.
struct TimedCall {
  std::function<void()> before{};  ///< may be empty
  std::function<void()> call;
  std::function<bool()> check{};  ///< whether the call did what it must; may be empty
  /// After each round, for what is checked or taken back in one go; may be empty.
  std::function<bool()> after_round{};
};

/// Microseconds.
struct CallTimes {
  double p50 = 0;
  double p99 = 0;
  double mean = 0;
  std::size_t wrong = 0;  ///< checks that failed
};

/// The calls of one round, made in turns with those of another.
class CallRound {
 public:
  /// `call` outlives this.
  explicit CallRound(const TimedCall& call) : call_(call) {}

  /// Makes and times some calls.
  void go_on(std::size_t calls);
  /// Ends the round.
  CallTimes end();

 private:
  const TimedCall& call_;
  std::vector<double> microseconds_;
  std::size_t wrong_ = 0;
};

/// From times in microseconds, which are sorted by this.
CallTimes call_times(std::vector<double>& microseconds);

/// The median of each figure over the rounds; the sum of what was wrong.
CallTimes median_of(const std::vector<CallTimes>& rounds);

}  // namespace aquifer::apps
