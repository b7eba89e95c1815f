// restart.meta: a meta is killed, and a new one starts at its address. Its nodes, and the client
// that measures, find it by themselves.
#include <utility>

#include "apps/bench_kept_objects.h"
#include "apps/bench_restart.h"
#include "apps/workload_pool.h"
#include "base/strings.h"

namespace aquifer::apps {
namespace {

constexpr double kPutBound = 2;  // s
constexpr unsigned kNodes = 3;
constexpr std::uint64_t kNodeBytes = 256ull << 20;
constexpr std::uint64_t kQuickNodeBytes = 32ull << 20;
constexpr std::size_t kObjectBytes = 64u << 10;
constexpr std::size_t kFilledOf = 2;  // one in so many bytes
constexpr std::chrono::milliseconds kTimeout{1000};

Result<void> restart(PrivatePool& pool, Client& client, const KeptObjects& kept, std::size_t round,
                     Progress& progress, Restarts& restarts) {
  const std::string value(kObjectBytes, static_cast<char>('a' + round % 26));
  const std::string key = base::cat("bench/after/", round);
  const auto again = restart_meta(pool, client, key, value);
  if (!again) return again.error();
  restarts.seconds.push_back(again->first_put);
  if (auto whole = await_alive(client, kNodes); !whole) return whole.error();
  const auto lost = kept.lost(pool.meta(), progress);
  if (!lost) return lost.error();
  restarts.kept += kept.count();
  restarts.lost += *lost;
  const auto got = client.get(key);
  restarts.verified = restarts.verified && got && *got == value;
  return {};
}

}  // namespace

Result<void> measure_restart_meta(const BenchSettings& settings, Progress& progress,
                                  BenchReport& report) {
  progress.describe("restart: meta");
  const std::uint64_t node_bytes = settings.quick ? kQuickNodeBytes : kNodeBytes;
  auto pool =
      PrivatePool::start({.program = settings.program, .nodes = kNodes, .dram_bytes = node_bytes});
  if (!pool) return pool.error();
  auto client =
      Client::open({.meta = pool->meta(), .transport = Transport::kShm, .timeout = kTimeout});
  if (!client) return client.error();
  auto kept = KeptObjects::make("bench/kept/", {kObjectBytes},
                                kNodes * node_bytes / kObjectBytes / kFilledOf, settings.seed);
  if (!kept) return kept.error();
  if (auto filled = kept->put_all(*client, progress); !filled) return filled.error();
  Restarts restarts;
  for (std::size_t node = 1; node <= kNodes; ++node) {
    restarts.node_processes.push_back(static_cast<std::uint64_t>(pool->process(node)));
  }
  for (unsigned round = 0; round < settings.rounds; ++round) {
    if (auto once = restart(*pool, *client, *kept, round, progress, restarts); !once) {
      return once.error();
    }
  }
  report.rows.push_back(restart_row("restart.meta.put", restarts, restarts.seconds, kPutBound));
  report.rows.push_back(lost_row("restart.meta.lost", restarts));
  report.remarks.push_back(base::cat("restart: meta killed with ", kept->count(), " objects of ",
                                     kObjectBytes >> 10, " KiB on ", kNodes,
                                     " nodes; from the kill to the first put"));
  return pool->stop();
}

}  // namespace aquifer::apps
