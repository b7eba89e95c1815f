// The world of a simulated pool: virtual time, one seeded order of all that happens, processes that
// are stopped and end, and the trace of it. One thread; everything that happens is an event of some
// process. The same seed gives the same world: nothing here or above looks at addresses, at the
// order of hash tables, at a real clock or at real randomness. Not here: connections (network.h).
#pragma once

#include <cstdint>
#include <functional>
#include <ostream>
#include <queue>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "base/random.h"
#include "base/strings.h"

namespace aquifer::sim {

/// Virtual time, microseconds since the world began.
using Micros = std::uint64_t;
constexpr Micros ms(std::uint64_t milliseconds) { return milliseconds * 1000; }

/// The one host of all processes.
inline constexpr const char* kHost = "host";

/// A promise was broken; ends the run.
struct Violation : std::runtime_error {
  using std::runtime_error::runtime_error;
};

class Process;

class World {
 public:
  /// Lines of the trace go to `trace` when there is one.
  World(std::uint64_t seed, std::ostream* trace) : random_(seed), trace_(trace) {}

  Micros now() const { return now_; }
  /// What the steady clocks of processes say: far from zero, so that nothing that has not happened
  /// yet looks recent.
  Micros since_boot() const { return now_ + ms(1'000'000); }
  std::uint64_t now_ms() const { return since_boot() / 1000; }
  /// Events so far: orders all that is observed.
  std::uint64_t step() const { return steps_; }

  std::uint64_t below(std::uint64_t bound) { return random_.below(bound); }
  std::uint64_t between(std::uint64_t low, std::uint64_t high) {
    return low + below(high - low + 1);
  }
  bool chance(double probability) {
    return static_cast<double>(random_.next() >> 11) * 0x1p-53 < probability;
  }
  std::uint64_t random_id() { return random_.next() | 1; }

  /// Something happens after `delay` to nobody in particular.
  void after(Micros delay, std::function<void()> what) { add(delay, nullptr, std::move(what)); }
  /// Goes through all events up to this time.
  void run_until(Micros time);

  bool is_traced() const { return trace_ != nullptr; }
  template <class... Parts>
  void say(std::string_view actor, const Parts&... parts) {
    if (trace_ != nullptr) {
      write(actor, base::cat(parts...));
    }
  }
  template <class... Parts>
  [[noreturn]] void violated(const Parts&... parts) {
    const std::string what = base::cat(parts...);
    say("CHECK", what);
    throw Violation(what);
  }

 private:
  friend class Process;
  struct Event {
    Micros time = 0;
    std::uint64_t order = 0;
    Process* process = nullptr;
    std::uint64_t life = 0;  ///< of the process
    std::function<void()> what;
    bool operator<(const Event& other) const {  // for a heap with the first on top
      return time != other.time ? time > other.time : order > other.order;
    }
  };
  void add(Micros delay, Process* process, std::function<void()> what);
  void write(std::string_view actor, const std::string& text);

  base::Random random_;
  std::ostream* trace_;
  Micros now_ = 0;
  std::uint64_t steps_ = 0;
  std::uint64_t order_ = 0;
  std::vector<Event> events_;  ///< a heap
};

/// Something that runs, is stopped, ends and is started again. What was to happen to it while it
/// was stopped happens when it goes on; what was to happen to an earlier life never does.
class Process {
 public:
  Process(World& world, std::string name) : world_(world), name_(std::move(name)) {}
  virtual ~Process() = default;
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  World& world() const { return world_; }
  const std::string& name() const { return name_; }
  bool runs() const { return runs_; }
  bool is_stopped() const { return stopped_; }
  std::uint64_t life() const { return life_; }
  /// How long it has been stopped in all.
  Micros stopped_for() const;

  void after(Micros delay, std::function<void()> what) { world_.add(delay, this, std::move(what)); }
  /// As SIGSTOP and SIGCONT.
  void stop();
  void go_on();

 protected:
  void begin();
  void end();
  template <class... Parts>
  void say(const Parts&... parts) const {
    world_.say(name_, parts...);
  }

 private:
  friend class World;
  World& world_;
  const std::string name_;
  bool runs_ = false;
  bool stopped_ = false;
  std::uint64_t life_ = 0;
  Micros stopped_at_ = 0;
  Micros stopped_for_ = 0;
  std::vector<std::function<void()>> held_;
};

}  // namespace aquifer::sim
