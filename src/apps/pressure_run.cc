#include "apps/pressure_run.h"

#include <chrono>
#include <deque>
#include <optional>
#include <thread>
#include <utility>

#include "apps/pressure_crew.h"
#include "apps/workload_machine.h"
#include "apps/workload_pool.h"
#include "base/size.h"
#include "base/strings.h"

namespace aquifer::apps {
namespace {

using Clock = std::chrono::steady_clock;
// Longer than any wait for space takes, so that a refusal is one and not a slow machine.
constexpr std::chrono::seconds kPatience{30};
constexpr std::chrono::seconds kLimboPatience{20};
constexpr std::chrono::milliseconds kLook{50};

Result<Client> open_client(const PressureSettings& settings, const std::string& meta) {
  return Client::open({.meta = meta, .transport = settings.transport, .timeout = kPatience});
}

Result<PressureSpace> space_of(Client& client) {
  const auto status = client.status();
  if (!status) return status.error();
  return PressureSpace{status->capacity_bytes, status->free_bytes, status->used_bytes,
                       status->limbo_bytes};
}

/// One shape against one pool.
class Pressure {
 public:
  Pressure(const PressureSettings& settings, PressureShape shape, const std::string& meta)
      : settings_(settings),
        meta_(meta),
        load_(shape, settings.pool_bytes, settings.seed),
        course_(
            load_, settings.pool_bytes,
            static_cast<std::uint64_t>(settings.times * static_cast<double>(settings.pool_bytes))) {
  }

  Result<PressureOutcome> run(Progress& progress);

 private:
  Result<void> hire();
  void drive(Progress& progress);
  Result<void> look_at_the_end(Progress& progress);
  Result<void> look_afterwards();
  void count();

  const PressureSettings& settings_;
  const std::string& meta_;
  const PressureLoad load_;
  PressureCourse course_;
  std::deque<PressureWriter> writers_;
  std::deque<PressureReader> readers_;  // the last one reads what is left when the writers are done
  PressureOutcome outcome_;
};

Result<void> Pressure::hire() {
  for (unsigned i = 0; i < settings_.writers + settings_.readers + 1; ++i) {
    auto client = open_client(settings_, meta_);
    if (!client) return client.error();
    auto buffer = PressureBuffer::make(load_);
    if (!buffer) return buffer.error();
    if (i < settings_.writers) {
      writers_.emplace_back(course_, std::move(*client), std::move(*buffer));
    } else {
      readers_.emplace_back(course_, std::move(*client), std::move(*buffer), settings_.seed + i);
    }
  }
  if (settings_.plant_wrong_byte) readers_.back().plant_wrong_byte();
  return {};
}

void Pressure::drive(Progress& progress) {
  std::atomic<bool> stop{false};
  std::atomic<unsigned> writing{settings_.writers};
  std::vector<std::thread> threads;
  for (PressureWriter& writer : writers_) {
    threads.emplace_back([&writer, &writing] {
      writer.run();
      --writing;
    });
  }
  for (unsigned i = 0; i < settings_.readers; ++i) {
    threads.emplace_back([this, &stop, i] { readers_[i].run(stop, settings_.pool_bytes); });
  }
  std::uint64_t shown = 0;
  while (writing > 0) {
    std::this_thread::sleep_for(kLook);
    progress.describe(name_of(course_.phase()));
    const std::uint64_t written = course_.written() >> 20;
    progress.advance(written - std::exchange(shown, written));
  }
  stop = true;
  for (std::thread& thread : threads) thread.join();
}

Result<void> Pressure::look_at_the_end(Progress& progress) {
  auto client = open_client(settings_, meta_);
  if (!client) return client.error();
  auto space = space_of(*client);
  if (!space) return space.error();
  outcome_.space_at_end = *space;
  const auto status = client->status();
  if (!status) return status.error();
  outcome_.evictions = status->evictions;
  progress.describe("reading what is left");
  for (std::uint64_t number = 0; number < course_.taken(); ++number) {
    if (client->exists(load_.key(number)) != Status::kOk) continue;
    outcome_.live_bytes_at_end += readers_.back().read(number);
  }
  return {};
}

void Pressure::count() {
  std::array<std::vector<double>, kPressurePhases.size()> times;
  for (PressureWriter& writer : writers_) writer.report(outcome_, times);
  for (PressureReader& reader : readers_) reader.report(outcome_);
  for (std::size_t phase = 0; phase < times.size(); ++phase) {
    outcome_.speeds[phase].latency = summarize(times[phase]);
  }
  outcome_.written_bytes = course_.written();
  outcome_.live_bytes_at_first_eviction = course_.live_bytes_at_first_eviction();
}

Result<void> Pressure::look_afterwards() {
  writers_.clear();
  readers_.clear();
  auto client = open_client(settings_, meta_);
  if (!client) return client.error();
  const auto deadline = Clock::now() + kLimboPatience;
  while (true) {
    auto space = space_of(*client);
    if (!space) return space.error();
    outcome_.space_afterwards = *space;
    if (space->limbo == 0 || Clock::now() > deadline) return {};
    std::this_thread::sleep_for(kLook);
  }
}

Result<PressureOutcome> Pressure::run(Progress& progress) {
  if (auto hired = hire(); !hired) return hired.error();
  progress.begin(static_cast<std::uint64_t>(settings_.times *
                                            static_cast<double>(settings_.pool_bytes >> 20)));
  const auto begin = Clock::now();
  drive(progress);
  outcome_.seconds = std::chrono::duration<double>(Clock::now() - begin).count();
  if (auto looked = look_at_the_end(progress); !looked) return looked.error();
  count();
  if (auto looked = look_afterwards(); !looked) return looked.error();
  outcome_.shape = load_.shape();
  outcome_.smallest = load_.smallest();
  outcome_.largest = load_.largest();
  outcome_.pool_bytes = outcome_.space_at_end.capacity;
  return std::move(outcome_);
}

/// Whether this machine has the memory for it.
Result<void> check_memory(const PressureSettings& settings) {
  constexpr std::uint64_t kEachThread = 40 << 20;
  const std::uint64_t wanted =
      settings.pool_bytes + (settings.writers + settings.readers + 1) * kEachThread;
  const std::uint64_t available = read_machine().available_bytes;
  if (available == 0 || wanted <= available) return {};
  return Error{Status::kNoSpace,
               base::cat("this needs ", base::format_size_rounded(wanted), " of memory, and ",
                         base::format_size_rounded(available), " are available"),
               "give a smaller --size"};
}

}  // namespace

std::string_view name_of(PressurePhase phase) {
  constexpr std::array<std::string_view, kPressurePhases.size()> kNames{"empty", "filling", "full"};
  return kNames[static_cast<std::size_t>(phase)];
}

Result<std::vector<PressureOutcome>> measure_pressure(const PressureSettings& settings,
                                                      Progress& progress) {
  if (auto enough = check_memory(settings); !enough) return enough.error();
  std::vector<PressureOutcome> outcomes;
  for (const PressureShape shape : settings.shapes) {
    progress.describe("starting a private pool");
    auto pool =
        PrivatePool::start({.program = settings.program, .dram_bytes = settings.pool_bytes});
    if (!pool) return pool.error();
    auto outcome = Pressure(settings, shape, pool->meta()).run(progress);
    auto stopped = pool->stop();
    if (!outcome) return outcome.error();
    if (!stopped) return stopped.error();
    outcomes.push_back(std::move(*outcome));
  }
  return outcomes;
}

}  // namespace aquifer::apps
