// restart.replicas: one of three nodes is killed and does not come back; what had a replica there
// gets another one elsewhere.
#include <algorithm>
#include <utility>

#include "apps/bench_kept_objects.h"
#include "apps/bench_restart.h"
#include "apps/workload_pool.h"
#include "base/size.h"
#include "base/strings.h"

namespace aquifer::apps {
namespace {

constexpr unsigned kNodes = 3;
constexpr unsigned kReplicas = 2;
constexpr std::size_t kVictim = 3;
constexpr std::uint64_t kObjectsBytes = 1ull << 30;
constexpr std::uint64_t kQuickObjectsBytes = 64ull << 20;
constexpr std::chrono::milliseconds kTimeout{5000};

/// While it may come back, it is there.
bool knows(const PoolStatus& status, std::uint64_t process) {
  return std::any_of(status.nodes.begin(), status.nodes.end(),
                     [&](const NodeStatus& node) { return node.process == process; });
}

/// Of all objects: as many replicas as they were put with, on nodes that live.
bool all_replicated(Client& client, const KeptObjects& kept) {
  for (std::size_t i = 0; i < kept.count(); ++i) {
    const auto found = client.stat(kept.key(i));
    if (!found || found->status != Status::kOk || found->replicas.size() != kReplicas) return false;
  }
  return true;
}

struct Repair : Restarts {
  double to_notice = 0;  ///< s, from the kill
  std::uint64_t bytes = 0;
};

Result<Repair> lose_a_node(PrivatePool& pool, Client& client, const KeptObjects& kept) {
  const auto before = client.status();
  if (!before) return before.error();
  const auto victim = static_cast<std::uint64_t>(pool.process(kVictim));
  Repair repair;
  for (const NodeStatus& node : before->nodes) {
    if (node.process == victim) {
      repair.bytes = node.used_bytes;
    } else {
      repair.node_processes.push_back(node.process);
    }
  }
  const auto killed = RestartClock::now();
  pool.kill(kVictim);
  auto noticed = restart_await(
      [&] {
        const auto status = client.status();
        return status && !knows(*status, victim);
      },
      "meta does not give up a node that is gone");
  if (!noticed) return noticed.error();
  const auto begin = RestartClock::now();
  repair.to_notice = seconds_since(killed);
  auto whole = restart_await(
      [&] {
        const auto status = client.status();
        return status && status->used_bytes >= before->used_bytes && all_replicated(client, kept);
      },
      "some objects do not get their second replica back");
  if (!whole) return whole.error();
  repair.seconds = {seconds_since(begin)};
  return repair;
}

void add_rows(const Repair& repair, const KeptObjects& kept, BenchReport& report) {
  BenchRow row = restart_row("restart.replicas", repair, repair.seconds);
  row.moved_bytes = repair.bytes;
  report.rows.push_back(row);
  row.name = "restart.replicas.rate";
  row.unit = "GB/s";
  row.better = "higher";
  row.value = static_cast<double>(repair.bytes) / repair.seconds.front() / 1e9;
  row.samples = {row.value};
  report.rows.push_back(std::move(row));
  report.rows.push_back(lost_row("restart.replicas.lost", repair));
  report.remarks.push_back(base::cat(
      "restart: ", kept.count(), " objects with ", kReplicas, " replicas on ", kNodes,
      " nodes, one of which is killed for good with ", base::format_size_rounded(repair.bytes),
      "; given up after ", static_cast<int>(1000 * repair.to_notice),
      " ms (--node-grace 2s), and from then on copied by TCP without a limit (--copy-rate)"));
}

}  // namespace

Result<void> measure_restart_replicas(const BenchSettings& settings, Progress& progress,
                                      BenchReport& report) {
  progress.describe("restart: a node lost for good");
  const std::size_t object_bytes = bytes_of(settings.shape);
  const std::size_t count = (settings.quick ? kQuickObjectsBytes : kObjectsBytes) / object_bytes;
  // Each of the two that stay has a replica of everything in the end, and room to spare.
  const std::uint64_t node_bytes = pool_bytes_for(count + count / 4 + 2, object_bytes);
  auto pool = PrivatePool::start({.program = settings.program,
                                  .nodes = kNodes,
                                  .dram_bytes = node_bytes,
                                  .meta_words = {"--node-grace=2s", "--copy-rate=64GiB"}});
  if (!pool) return pool.error();
  auto client =
      Client::open({.meta = pool->meta(), .transport = Transport::kShm, .timeout = kTimeout});
  if (!client) return client.error();
  auto kept = KeptObjects::make("bench/twice/", settings.shape, count, settings.seed, kReplicas);
  if (!kept) return kept.error();
  if (auto filled = kept->put_all(*client, progress); !filled) return filled.error();
  auto repair = lose_a_node(*pool, *client, *kept);
  if (!repair) return repair.error();
  const auto lost = kept->lost(pool->meta(), progress);
  if (!lost) return lost.error();
  repair->kept = kept->count();
  repair->lost = *lost;
  add_rows(*repair, *kept, report);
  return pool->stop();
}

}  // namespace aquifer::apps
