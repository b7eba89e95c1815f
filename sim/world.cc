#include "sim/world.h"

#include <algorithm>
#include <cstdio>
#include <utility>

namespace aquifer::sim {

void World::add(Micros delay, Process* process, std::function<void()> what) {
  events_.push_back(
      {now_ + delay, ++order_, process, process == nullptr ? 0 : process->life_, std::move(what)});
  std::push_heap(events_.begin(), events_.end());
}

void World::run_until(Micros time) {
  while (!events_.empty() && events_.front().time <= time) {
    std::pop_heap(events_.begin(), events_.end());
    Event event = std::move(events_.back());
    events_.pop_back();
    now_ = event.time;
    Process* const process = event.process;
    if (process != nullptr && (!process->runs_ || process->life_ != event.life)) {
      continue;
    }
    if (process != nullptr && process->stopped_) {
      process->held_.push_back(std::move(event.what));
      continue;
    }
    ++steps_;
    event.what();
  }
  now_ = time;
}

void World::write(std::string_view actor, const std::string& text) {
  char time[48];
  std::snprintf(time, sizeof time, "%10.3f ms  %-9.*s ", static_cast<double>(now_) / 1000.0,
                static_cast<int>(actor.size()), actor.data());
  *trace_ << time << text << '\n';
}

Micros Process::stopped_for() const {
  return stopped_for_ + (stopped_ ? world_.now() - stopped_at_ : 0);
}

void Process::begin() {
  runs_ = true;
  stopped_ = false;
  ++life_;
}

void Process::end() {
  runs_ = false;
  if (std::exchange(stopped_, false)) {
    stopped_for_ += world_.now() - stopped_at_;
  }
  held_.clear();
}

void Process::stop() {
  if (runs_ && !std::exchange(stopped_, true)) {
    say("is stopped");
    stopped_at_ = world_.now();
  }
}

void Process::go_on() {
  if (!std::exchange(stopped_, false)) {
    return;
  }
  say("goes on");
  stopped_for_ += world_.now() - stopped_at_;
  for (auto& what : std::exchange(held_, {})) {
    after(0, std::move(what));
  }
}

}  // namespace aquifer::sim
