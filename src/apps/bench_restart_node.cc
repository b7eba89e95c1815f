// restart.node: a node is killed, and a new process takes over the memory that it has left.
#include <algorithm>
#include <array>
#include <utility>

#include "apps/bench_fit.h"
#include "apps/bench_kept_objects.h"
#include "apps/bench_restart.h"
#include "apps/workload_pool.h"
#include "base/size.h"
#include "base/strings.h"
#include "memory/shared_memory.h"
#include "node/left_segments.h"

namespace aquifer::apps {
namespace {

constexpr double kReadableBound = 1;  // s
constexpr std::size_t kNode = 1;
constexpr std::uint64_t kNodeBytes = 16ull << 30;
constexpr std::uint64_t kQuickNodeBytes = 128ull << 20;
constexpr std::uint64_t kSpareBytes = 3ull << 30;  // of the system, beside such a node
constexpr std::uint64_t kSmallBytes = 64u << 10;
constexpr std::size_t kKeptFreeOf = 16;  // one in so many, so that nothing is evicted
constexpr std::size_t kLookedFor = 8;    // spread over all objects
constexpr std::chrono::milliseconds kTimeout{1000};

/// A new client finds the first and the last of the objects, and some between them.
Result<void> await_readable(const std::string& meta, const KeptObjects& kept) {
  auto client = Client::open({.meta = meta, .transport = Transport::kShm, .timeout = kTimeout});
  if (!client) return client.error();
  const std::size_t last = std::min(kLookedFor, kept.count()) - 1;
  for (std::size_t i = 0; i <= last; ++i) {
    const std::size_t number = last == 0 ? 0 : i * (kept.count() - 1) / last;
    auto read = restart_await([&] { return kept.reads(*client, number); },
                              "an object of a restarted node is not readable");
    if (!read) return read.error();
  }
  return {};
}

struct NodeRestarts : Restarts {
  std::vector<double> from_start{};  ///< as `seconds`, which are from the ready line on
};

Result<void> restart(PrivatePool& pool, const KeptObjects& kept, NodeRestarts& restarts) {
  pool.kill(kNode);
  const auto begin = RestartClock::now();
  const auto process = pool.start_again(kNode);
  if (!process) return process.error();
  const double up = seconds_since(begin);
  if (auto readable = await_readable(pool.meta(), kept); !readable) return readable.error();
  restarts.from_start.push_back(seconds_since(begin));
  restarts.seconds.push_back(restarts.from_start.back() - up);
  restarts.node_processes = {static_cast<std::uint64_t>(*process)};
  return {};
}

Result<NodeRestarts> measure_shape(PrivatePool& pool, Client& client, const KeptObjects& kept,
                                   unsigned rounds, Progress& progress) {
  if (auto filled = kept.put_all(client, progress); !filled) return filled.error();
  NodeRestarts restarts;
  for (unsigned i = 0; i < rounds; ++i) {
    if (auto once = restart(pool, kept, restarts); !once) return once.error();
  }
  const auto lost = kept.lost(pool.meta(), progress);
  if (!lost) return lost.error();
  restarts.kept = kept.count();
  restarts.lost = *lost;
  if (auto removed = kept.remove_all(client); *lost == 0 && !removed) return removed.error();
  return restarts;
}

void add_rows(const std::string& name, const NodeRestarts& restarts, bool is_promised,
              BenchReport& report) {
  BenchRow row =
      restart_row(base::cat(name, ".readable"), restarts, restarts.seconds, kReadableBound);
  row.candidates = {{"from the start of the process", median(restarts.from_start)}};
  if (!is_promised) row.target.reset();
  report.rows.push_back(std::move(row));
  report.rows.push_back(lost_row(base::cat(name, ".lost"), restarts));
}

/// As much as fits, into memory and where nodes keep their segments.
Result<std::uint64_t> choose_bytes(std::uint64_t wanted, BenchReport& report) {
  Machine machine = read_machine();
  const auto free = memory::free_in_folder(std::string(node::kDefaultSegments));
  if (!free) return free.error();
  machine.available_bytes = std::min(machine.available_bytes, *free);
  // Nothing else here is large.
  const bool fits = machine.available_bytes >= wanted + kSpareBytes;
  const std::uint64_t bytes = fits ? wanted : fitting_bytes(wanted, machine);
  if (auto remark = shrink_remark("restart.node", wanted, bytes)) report.remarks.push_back(*remark);
  return bytes;
}

}  // namespace

Result<void> measure_restart_node(const BenchSettings& settings, Progress& progress,
                                  BenchReport& report) {
  const auto bytes = choose_bytes(settings.quick ? kQuickNodeBytes : kNodeBytes, report);
  if (!bytes) return bytes.error();
  progress.describe(base::cat("restart: a node of ", base::format_size_rounded(*bytes)));
  auto pool =
      PrivatePool::start({.program = settings.program, .dram_bytes = *bytes, .lasts = true});
  if (!pool) return pool.error();
  auto client = Client::open({.meta = pool->meta(), .transport = Transport::kShm});
  if (!client) return client.error();
  for (const auto& [name, shape] : {std::pair{"restart.node", settings.shape},
                                    std::pair{"restart.node.64k", BlockShape{kSmallBytes}}}) {
    const std::size_t fit = pool_blocks_in(*bytes, bytes_of(shape));
    const std::size_t count = fit - fit / kKeptFreeOf - 1;
    auto kept =
        KeptObjects::make(base::cat("bench/", bytes_of(shape), "/"), shape, count, settings.seed);
    if (!kept) return kept.error();
    const auto restarts = measure_shape(*pool, *client, *kept, settings.rounds, progress);
    if (!restarts) return restarts.error();
    const bool is_promised = bytes_of(shape) != kSmallBytes && *bytes >= kNodeBytes;
    add_rows(name, *restarts, is_promised, report);
    report.remarks.push_back(base::cat(name, ": killed with ", kept->count(), " objects, ",
                                       base::format_size_rounded(kept->bytes()),
                                       "; a new client reads ", std::min(kLookedFor, kept->count()),
                                       " of them; ",
                                       static_cast<int>(1000 * median(restarts->from_start)),
                                       " ms from the start of its process"));
  }
  return pool->stop();
}

}  // namespace aquifer::apps
