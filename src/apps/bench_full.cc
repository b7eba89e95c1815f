// The part `full`: puts into a pool that is full, so that each new object costs an old one its
// place, beside puts into a pool with room.
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <limits>
#include <utility>

#include "apps/bench_fit.h"
#include "apps/bench_node_bytes.h"
#include "apps/bench_objects.h"
#include "apps/bench_parts.h"
#include "apps/workload_latency.h"
#include "apps/workload_pool.h"
#include "base/strings.h"

namespace aquifer::apps {
namespace {

constexpr double kThroughputTarget = 0.9;
constexpr double kLateTarget = 2;
constexpr std::size_t kNeverRemoved = std::numeric_limits<std::size_t>::max() / 2;
constexpr std::size_t kWarmUpBatch = 4;
constexpr std::uint64_t kMemories = 4;  // two pools, source and destination
// What was put is read back after its sample, and meta hears of reads only some time later: an
// object must outlive a sample even where it counts as older than those of the sample before.
constexpr std::size_t kSamplesInPool = 4;
// The pool with room is as large, and the oldest objects are removed ahead of each sample.
constexpr std::size_t kSamplesOfRoom = 2;

struct Plan {
  std::size_t sample = 0;   ///< objects put in one sample, each by a call of its own
  std::size_t objects = 0;  ///< that fit into either pool
  std::size_t slots = 0;    ///< of source and destination
};

Plan plan_full(const BenchSettings& settings, const Machine& machine) {
  const std::uint64_t object_bytes = bytes_of(settings.shape);
  const std::uint64_t rotation =
      settings.rotation_bytes != 0 ? settings.rotation_bytes : rotation_bytes(machine);
  const std::size_t sample = settings.quick ? 16 : 64;
  const std::uint64_t wanted = std::max(rotation, kSamplesInPool * sample * object_bytes);
  Plan plan;
  plan.objects = std::max<std::size_t>(
      kSamplesInPool, fitting_bytes(kMemories * wanted, machine) / kMemories / object_bytes);
  plan.sample = std::min(sample, plan.objects / kSamplesInPool);
  plan.slots = std::clamp<std::size_t>(rotation / object_bytes, std::max(plan.sample, kWarmUpBatch),
                                       plan.objects);
  return plan;
}

/// One of the two pools, with its client and its objects, and what was found.
struct Side {
  std::string name;
  PrivatePool pool;
  Client client;
  BenchObjects objects;
  std::size_t kept = 0;                      ///< objects, while it is measured
  std::vector<double> gigabytes_a_second{};  // one a sample
  std::vector<double> late_milliseconds{};   // p99 of the puts of a sample, one a sample
  std::size_t puts = 0;
  std::size_t failed = 0;
  bool verified = true;
  BenchNodeBytes written{};
  std::uint64_t written_before = 0;
  std::uint64_t evictions_before = 0;
  std::uint64_t node_process = 0;
  std::uint64_t evictions = 0;
};

Result<Side> open_side(std::string name, const BenchSettings& settings, const Plan& plan,
                       std::size_t kept, const BlockBuffers& source,
                       const BlockBuffers& destination) {
  auto pool =
      PrivatePool::start({.program = settings.program,
                          .dram_bytes = pool_bytes_for(plan.objects, bytes_of(settings.shape))});
  if (!pool) return pool.error();
  auto client = Client::open(
      {.meta = pool->meta(), .transport = Transport::kShm, .timeout = std::chrono::seconds(30)});
  if (!client) return client.error();
  BenchObjects objects(base::cat("bench/", name, "/"), settings.seed, 1, kNeverRemoved, source,
                       destination);
  return Side{.name = std::move(name),
              .pool = std::move(*pool),
              .client = std::move(*client),
              .objects = std::move(objects),
              .kept = kept};
}

/// Puts so much that the client has touched all of the memory, and the pool is full; what is kept
/// from then on leaves room, or does not.
Result<void> warm_up(Side& side, const Plan& plan) {
  side.objects.keep(std::max(side.kept, plan.objects));
  side.verified = side.objects.warm_up(side.client, 2 * plan.objects, kWarmUpBatch);
  side.objects.keep(side.kept);
  const auto status = side.client.status();
  if (!status) return status.error();
  side.evictions_before = status->evictions;
  for (const NodeStatus& node : status->nodes) side.node_process = node.process;
  side.written_before = side.objects.moved_bytes(Direction::kPut);
  auto written = BenchNodeBytes::start(side.client, Transport::kShm, Direction::kPut);
  if (!written) return written.error();
  side.written = *written;
  return {};
}

void put_sample(Side& side, SlotRange range, std::uint64_t object_bytes) {
  BenchSample sample = side.objects.put(side.client, range, 1);
  side.puts += sample.objects;
  side.failed += sample.failed;
  side.verified = side.verified && sample.verified;
  side.late_milliseconds.push_back(summarize(sample.milliseconds).p99);
  side.gigabytes_a_second.push_back(static_cast<double>(sample.objects * object_bytes) /
                                    sample.seconds / 1e9);
}

/// Bytes that the node counted; what does not agree with the client's own count does not verify.
Result<std::uint64_t> settle(Side& side) {
  const std::uint64_t moved = side.objects.moved_bytes(Direction::kPut) - side.written_before;
  const auto counted = side.written.since(side.client, moved);
  if (!counted) return counted.error();
  const auto status = side.client.status();
  if (!status) return status.error();
  side.evictions = status->evictions - side.evictions_before;
  side.verified = side.verified && *counted >= moved;
  return counted;
}

void add_rows(Side& room, Side& full, std::uint64_t node_bytes, const BenchSettings& settings,
              BenchReport& report) {
  BenchRow row;
  row.name = "full.put";
  row.value = median(full.gigabytes_a_second);
  row.reference = median(room.gigabytes_a_second);
  row.reference_name = "pool with room";
  row.target = kThroughputTarget;
  row.verified = room.verified && full.verified;
  row.samples = full.gigabytes_a_second;
  row.candidates = {{row.reference_name, row.reference}};
  row.moved_bytes = (full.puts - full.failed) * bytes_of(settings.shape);
  row.node_bytes = node_bytes;
  row.client_process = static_cast<std::uint64_t>(getpid());
  row.node_processes = {room.node_process, full.node_process};
  report.rows.push_back(row);

  BenchRow late = row;
  late.name = "full.put.p99";
  late.unit = "ms";
  late.better = "lower";
  late.value = median(full.late_milliseconds);
  late.reference = median(room.late_milliseconds);
  late.target = kLateTarget;
  late.samples = full.late_milliseconds;
  late.candidates.clear();
  report.rows.push_back(std::move(late));

  row.name = "full.refused";
  row.unit = "puts";
  row.better = "lower";
  row.value = static_cast<double>(full.failed);
  row.reference = static_cast<double>(full.puts);
  row.reference_name = "puts";
  row.target = 0;
  row.samples.clear();
  row.candidates.clear();
  report.rows.push_back(std::move(row));
}

Result<void> measure(Side& room, Side& full, const Plan& plan, const BenchSettings& settings,
                     Progress& progress, BenchReport& report) {
  for (Side* side : {&room, &full}) {
    progress.describe(base::cat("full: filling the pool called ", side->name));
    if (auto warm = warm_up(*side, plan); !warm) return warm.error();
  }
  progress.begin(settings.rounds);
  progress.describe("full: putting");
  std::size_t slot = 0;
  for (unsigned round = 0; round < settings.rounds; ++round) {
    for (Side* side : {&room, &full}) {
      put_sample(*side, {slot, plan.sample}, bytes_of(settings.shape));
      slot = (slot + plan.sample) % plan.slots;
    }
    progress.advance();
  }
  if (auto settled = settle(room); !settled) return settled.error();
  const auto settled = settle(full);
  if (!settled) return settled.error();
  // Otherwise it was not full, or the other was, and the rows would compare something else.
  const bool evicts = room.evictions == 0 && full.evictions >= full.puts / 2;
  full.verified = full.verified && evicts;
  report.remarks.push_back(base::cat("full: ", full.evictions, " evictions in ", full.puts,
                                     " puts into the full pool, ", room.evictions, " in ",
                                     room.puts, " into the pool with room"));
  for (const Side* side : {&room, &full}) {
    if (side->objects.trouble().empty()) continue;
    report.remarks.push_back(
        base::cat("full: first trouble in ", side->name, ": ", side->objects.trouble()));
  }
  add_rows(room, full, *settled, settings, report);
  return {};
}

}  // namespace

Result<void> measure_full(const BenchSettings& settings, Progress& progress, BenchReport& report) {
  const Plan plan = plan_full(settings, read_machine());
  auto source = BlockBuffers::make(settings.shape, plan.slots);
  if (!source) return source.error();
  auto destination = BlockBuffers::make(settings.shape, plan.slots);
  if (!destination) return destination.error();
  const std::size_t kept = plan.objects - kSamplesOfRoom * plan.sample;
  auto room = open_side("room", settings, plan, kept, *source, *destination);
  if (!room) return room.error();
  auto full = open_side("full", settings, plan, kNeverRemoved, *source, *destination);
  if (!full) return full.error();
  auto measured = measure(*room, *full, plan, settings, progress, report);
  for (Side* side : {&*room, &*full}) {
    if (auto stopped = side->pool.stop(); !stopped && measured) measured = stopped.error();
  }
  return measured;
}

}  // namespace aquifer::apps
