#include "apps/bench_run.h"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "apps/bench_parts.h"
#include "apps/bench_path.h"
#include "apps/workload_pool.h"
#include "base/random.h"
#include "base/strings.h"

namespace aquifer::apps {
namespace {

bool measures_tcp(const BenchSettings& settings) {
  return std::find(settings.transports.begin(), settings.transports.end(), Transport::kTcp) !=
         settings.transports.end();
}

/// The caller's memory and what the limits need; the peers are forked here, before there are
/// threads.
struct Memory {
  BlockBuffers source;
  BlockBuffers destination;
  BenchCopies copies;
  std::vector<SocketKind> sockets;
};

Result<Memory> set_up_memory(const BenchSettings& settings, const BenchPlan& plan) {
  auto copies = BenchCopies::make(bytes_of(settings.shape), plan.slots);
  if (!copies) return copies.error();
  // As the system buffers them, and with buffers that stay in the caches between two processes of
  // one host: which is the faster differs by direction and by machine.
  constexpr int kSmallBuffer = 256 << 10;
  std::vector<SocketKind> sockets;
  for (const int send_bytes : {0, kSmallBuffer}) {
    if (!measures_tcp(settings)) break;
    auto started = BenchSockets::start(copies->memory(), settings.streams, send_bytes);
    if (!started) return started.error();
    sockets.push_back({send_bytes == 0 ? "" : "_small_buffer", std::move(*started)});
  }
  auto source = BlockBuffers::make(settings.shape, plan.slots);
  if (!source) return source.error();
  auto destination = BlockBuffers::make(settings.shape, plan.slots);
  if (!destination) return destination.error();
  return Memory{std::move(*source), std::move(*destination), std::move(*copies),
                std::move(sockets)};
}

Result<Client> open_client(const BenchSettings& settings, const std::string& meta,
                           Transport transport, unsigned threads) {
  return Client::open({.meta = meta,
                       .transport = transport,
                       .timeout = std::chrono::seconds(60),
                       .copy_threads = threads,
                       .tcp_streams = settings.streams});
}

/// All paths, grouped by client.
Result<void> measure_paths(BenchSetup& setup, const std::string& meta, BenchReport& report) {
  const BenchSettings& settings = setup.settings;
  setup.progress.begin(settings.transports.size() * settings.threads.size() *
                       settings.batches.size() * BenchPath::steps(settings));
  for (const Transport transport : settings.transports) {
    for (const unsigned threads : settings.threads) {
      auto client = open_client(settings, meta, transport, threads);
      if (!client) return client.error();
      setup.progress.describe("warming up");
      BenchPath path(setup, *client, transport, threads);
      if (auto warm = path.warm_up(); !warm) return warm.error();
      for (const std::size_t batch : settings.batches) {
        if (auto measured = path.measure(batch, report.rows); !measured) return measured.error();
      }
    }
  }
  return {};
}

Result<void> measure_against(const std::string& meta, const BenchSettings& settings,
                             const BenchPlan& plan, const Memory& memory, Progress& progress,
                             BenchReport& report) {
  report.rotation_bytes = plan.slots * bytes_of(settings.shape);
  report.remarks.insert(report.remarks.end(), plan.remarks.begin(), plan.remarks.end());
  BenchObjects objects(base::cat("bench/", base::hex(base::random_id()), "/"), settings.seed,
                       settings.replicas, plan.slots, memory.source, memory.destination);
  BenchSetup setup{.settings = settings,
                   .plan = plan,
                   .machine = report.machine,
                   .source = memory.source,
                   .destination = memory.destination,
                   .copies = memory.copies,
                   .sockets = memory.sockets,
                   .objects = objects,
                   .progress = progress};
  auto measured = measure_paths(setup, meta, report);
  progress.describe("removing the keys");
  if (auto client = open_client(settings, meta, Transport::kAuto, 1)) objects.remove_all(*client);
  if (!measured) return measured.error();
  if (!objects.trouble().empty()) report.remarks.push_back("first trouble: " + objects.trouble());
  return {};
}

/// A plan for the memory of this machine and, where one is given, of the pool.
Result<BenchPlan> make_plan(const BenchSettings& settings, const Machine& machine) {
  auto plan = plan_bench(settings, machine);
  if (!plan || settings.meta.empty()) return plan;
  auto client = open_client(settings, settings.meta, Transport::kAuto, 1);
  if (!client) return client.error();
  const auto status = client->status({.timeout = std::chrono::seconds(5)});
  if (!status) return status.error();
  return fit_bench_plan(std::move(*plan), settings, status->capacity_bytes);
}

}  // namespace

Result<void> measure_block(const BenchSettings& settings, Progress& progress, BenchReport& report) {
  const auto plan = make_plan(settings, report.machine);
  if (!plan) return plan.error();
  const auto memory = set_up_memory(settings, *plan);
  if (!memory) return memory.error();
  if (!settings.meta.empty()) {
    return measure_against(settings.meta, settings, *plan, *memory, progress, report);
  }
  auto pool = PrivatePool::start(
      {.program = settings.program, .nodes = settings.replicas, .dram_bytes = plan->pool_bytes});
  if (!pool) return pool.error();
  auto measured = measure_against(pool->meta(), settings, *plan, *memory, progress, report);
  if (auto stopped = pool->stop(); !stopped && measured) return stopped.error();
  return measured;
}

std::span<const BenchPart> bench_parts() {
  static constexpr std::array kParts{
      BenchPart{"block", "put and get of large objects", measure_block},
      BenchPart{"digest", "copies with digests beside copies without", measure_digest},
      BenchPart{"latency", "small calls one at a time", measure_latency},
      BenchPart{"meta", "what meta does with a second of CPU time, and its memory", measure_meta},
      BenchPart{"cold", "the first pass of a client over a pool", measure_cold},
      BenchPart{"full", "puts into a full pool", measure_full},
      BenchPart{"start", "from the start of a large node to its first put", measure_start},
      BenchPart{"outage", "what a store that is stopped or dead costs a caller", measure_outage},
      BenchPart{"restart", "servers that are killed and start again, and what is lost",
                measure_restart},
      BenchPart{"peers", "the servers that --against names", measure_peers},
  };
  return kParts;
}

Result<BenchReport> measure_bench(const BenchSettings& settings, Progress& progress) {
  progress.describe("setting up");
  BenchReport report{.machine = read_machine(),
                     .object_bytes = bytes_of(settings.shape),
                     .pieces = settings.shape.size(),
                     .rounds = settings.rounds,
                     .streams = settings.streams};
  for (const BenchPart& part : bench_parts()) {
    const bool wanted =
        settings.parts.empty() ||
        std::find(settings.parts.begin(), settings.parts.end(), part.name) != settings.parts.end();
    if (!wanted) continue;
    progress.describe(part.name);
    if (auto measured = part.measure(settings, progress, report); !measured) {
      return measured.error();
    }
  }
  return report;
}

}  // namespace aquifer::apps
