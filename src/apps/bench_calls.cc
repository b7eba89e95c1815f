#include "apps/bench_calls.h"

#include <chrono>
#include <numeric>

#include "apps/bench_report.h"
#include "apps/workload_latency.h"

namespace aquifer::apps {

CallTimes call_times(std::vector<double>& microseconds) {
  if (microseconds.empty()) return {};
  const double sum = std::accumulate(microseconds.begin(), microseconds.end(), 0.0);
  const LatencySummary summary = summarize(microseconds);  // the unit is that of what it is given
  return {summary.p50, summary.p99, sum / static_cast<double>(microseconds.size()), 0};
}

void CallRound::go_on(std::size_t calls) {
  microseconds_.reserve(microseconds_.size() + calls);
  for (std::size_t i = 0; i < calls; ++i) {
    if (call_.before) call_.before();
    const auto begin = std::chrono::steady_clock::now();
    call_.call();
    const auto end = std::chrono::steady_clock::now();
    microseconds_.push_back(std::chrono::duration<double, std::micro>(end - begin).count());
    if (call_.check && !call_.check()) ++wrong_;
  }
}

CallTimes CallRound::end() {
  if (call_.after_round && !call_.after_round()) ++wrong_;
  CallTimes times = call_times(microseconds_);
  times.wrong = wrong_;
  return times;
}

CallTimes median_of(const std::vector<CallTimes>& rounds) {
  const auto middle = [&](double CallTimes::*figure) {
    std::vector<double> values;
    for (const CallTimes& round : rounds) values.push_back(round.*figure);
    return median(std::move(values));
  };
  CallTimes found{middle(&CallTimes::p50), middle(&CallTimes::p99), middle(&CallTimes::mean), 0};
  for (const CallTimes& round : rounds) found.wrong += round.wrong;
  return found;
}

}  // namespace aquifer::apps
