// What meta does with a second of its CPU time: keys looked up, objects put. Clients are processes
// of their own, and what they do besides is not in the figure.
#include <chrono>
#include <optional>
#include <string>
#include <thread>
#include <utility>

#include "apps/bench_meta_clients.h"
#include "apps/bench_meta_memory.h"
#include "apps/bench_parts.h"
#include "apps/workload_pool.h"
#include "apps/workload_usage.h"
#include "aquifer/client.h"
#include "base/random.h"
#include "base/strings.h"

namespace aquifer::apps {
namespace {

using Clock = std::chrono::steady_clock;

constexpr double kLookupsPerCpuSecond = 4.0;  // millions
constexpr double kPutsPerCpuSecond = 1.0;
constexpr std::size_t kValueBytes = 64;
constexpr auto kSettle = std::chrono::seconds(30);

MetaLoad load_of(const BenchSettings& settings) {
  return settings.quick ? MetaLoad{.objects = 16'384, .lookup_batches = 64, .put_batches = 16}
                        : MetaLoad{.objects = 131'072, .lookup_batches = 1024, .put_batches = 128};
}

/// One pool, its clients, and what they are told.
class MetaBench {
 public:
  MetaBench(const BenchSettings& settings, Progress& progress, BenchReport& report)
      : settings_(settings),
        progress_(progress),
        report_(report),
        load_(load_of(settings)),
        standing_(base::cat("bench/", base::hex(base::random_id()), "/"), kValueBytes,
                  settings.seed) {}

  Result<void> run();

 private:
  struct Sample {
    double per_cpu_second = 0;  // millions of keys
    double per_second = 0;
  };

  Result<void> fill();
  Result<BenchTally> tell(MetaAct act, unsigned round, BenchRow& row);
  Result<Sample> measure(MetaAct act, unsigned round, BenchRow& row);
  Result<void> lookups();
  Result<void> puts();
  Result<void> await_space(std::uint64_t used_bytes);
  void add(BenchRow row, const std::vector<Sample>& samples);

  const BenchSettings& settings_;
  Progress& progress_;
  BenchReport& report_;
  const MetaLoad load_;
  const SmallObjects standing_;
  std::optional<PrivatePool> pool_;
  std::optional<BenchForks> clients_;
};

/// Puts the objects that are looked up.
Result<void> MetaBench::fill() {
  auto client = Client::open({.meta = pool_->meta(), .cached_handles = 0});
  if (!client) return client.error();
  std::vector<std::byte> value(kValueBytes);
  for (std::uint64_t first = 0; first < load_.objects; first += MetaLoad::kBatch) {
    const auto keys = standing_.keys(first, MetaLoad::kBatch);
    const ConstPiece piece{value.data(), value.size()};
    std::vector<PutItem> items;
    for (const std::string& key : keys) items.push_back({.key = key, .pieces = {&piece, 1}});
    for (const Status status : client->put_batch(items)) {
      if (status != Status::kOk) return client->last_error();
    }
  }
  return {};
}

Result<BenchTally> MetaBench::tell(MetaAct act, unsigned round, BenchRow& row) {
  auto tally = clients_->run({.act = static_cast<std::uint32_t>(act), .round = round});
  if (!tally) return tally.error();
  if (tally->wrong != 0) {
    if (row.verified) report_.remarks.push_back(base::cat(row.name, ": ", tally->trouble));
    row.verified = false;
  }
  return tally;
}

Result<MetaBench::Sample> MetaBench::measure(MetaAct act, unsigned round, BenchRow& row) {
  const auto cpu_before = cpu_seconds(pool_->meta_process());
  if (!cpu_before) return cpu_before.error();
  const auto begin = Clock::now();
  const auto tally = tell(act, round, row);
  if (!tally) return tally.error();
  const double wall = std::chrono::duration<double>(Clock::now() - begin).count();
  const auto cpu_after = cpu_seconds(pool_->meta_process());
  if (!cpu_after) return cpu_after.error();
  progress_.advance();
  const double millions = static_cast<double>(tally->done) / 1e6;
  const double cpu = *cpu_after - *cpu_before;
  return Sample{cpu > 0 ? millions / cpu : 0, wall > 0 ? millions / wall : 0};
}

void MetaBench::add(BenchRow row, const std::vector<Sample>& samples) {
  std::vector<double> per_second;
  for (const Sample& sample : samples) {
    row.samples.push_back(sample.per_cpu_second);
    per_second.push_back(sample.per_second);
  }
  row.value = median(row.samples);
  row.candidates = {{"per_second_of_the_clock", median(per_second)}};
  report_.rows.push_back(std::move(row));
}

Result<void> MetaBench::lookups() {
  auto row =
      bound_row("meta.lookup", "M keys/CPU-s", "higher", kLookupsPerCpuSecond, settings_.quick);
  progress_.describe(row.name);
  if (auto absent = tell(MetaAct::kLookupAbsent, 0, row); !absent) return absent.error();
  if (auto warm = measure(MetaAct::kLookup, 0, row); !warm) return warm.error();
  std::vector<Sample> samples;
  for (unsigned round = 1; round <= settings_.rounds; ++round) {
    auto sample = measure(MetaAct::kLookup, round, row);
    if (!sample) return sample.error();
    samples.push_back(*sample);
  }
  add(std::move(row), samples);
  return {};
}

/// Waits until what was removed is free again, so that taking it back falls into no measurement.
Result<void> MetaBench::await_space(std::uint64_t used_bytes) {
  auto client = Client::open({.meta = pool_->meta()});
  if (!client) return client.error();
  const auto deadline = Clock::now() + kSettle;
  while (true) {
    const auto status = client->status();
    if (!status) return status.error();
    if (status->used_bytes <= used_bytes && status->limbo_bytes == 0) return {};
    if (Clock::now() > deadline) {
      return Error{Status::kTimeout, "the space of removed objects was not free again in time", ""};
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
}

Result<void> MetaBench::puts() {
  auto row = bound_row("meta.put", "M objects/CPU-s", "higher", kPutsPerCpuSecond, settings_.quick);
  progress_.describe(row.name);
  auto client = Client::open({.meta = pool_->meta()});
  if (!client) return client.error();
  const auto before = client->status();
  if (!before) return before.error();
  std::vector<Sample> samples;
  for (unsigned round = 0; round <= settings_.rounds; ++round) {  // the first warms up
    auto sample = measure(MetaAct::kPut, round, row);
    if (!sample) return sample.error();
    if (round != 0) samples.push_back(*sample);
    for (const MetaAct act : {MetaAct::kReadBack, MetaAct::kRemove}) {
      if (auto done = tell(act, round, row); !done) return done.error();
    }
    if (auto free = await_space(before->used_bytes); !free) return free.error();
  }
  row.moved_bytes = settings_.rounds * load_.puts_per_round() * kValueBytes;
  for (const NodeStatus& node : before->nodes) row.node_processes.push_back(node.process);
  add(std::move(row), samples);
  return {};
}

Result<void> MetaBench::run() {
  progress_.begin(2 * (settings_.rounds + 1));
  progress_.describe("starting a private pool");
  auto pool = PrivatePool::start(
      {.program = settings_.program,
       .dram_bytes = pool_bytes_for(load_.objects + load_.puts_per_round(), kValueBytes)});
  if (!pool) return pool.error();
  pool_.emplace(std::move(*pool));
  if (auto filled = fill(); !filled) return filled.error();
  auto clients = start_meta_clients(pool_->meta(), load_, standing_, settings_.seed);
  if (!clients) return clients.error();
  clients_.emplace(std::move(*clients));
  if (auto measured = lookups(); !measured) return measured.error();
  if (auto measured = puts(); !measured) return measured.error();
  clients_.reset();
  return pool_->stop();
}

}  // namespace

Result<void> measure_meta(const BenchSettings& settings, Progress& progress, BenchReport& report) {
  if (!settings.meta.empty()) {
    report.remarks.push_back("meta: measured is a meta of its own, not the one that was given");
  }
  if (auto measured = MetaBench(settings, progress, report).run(); !measured) {
    return measured.error();
  }
  return measure_meta_memory(settings, progress, report);
}

}  // namespace aquifer::apps
