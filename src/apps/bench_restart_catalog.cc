// restart.meta.10m: a meta is killed that knows of many objects. Most of them stand in the catalog
// of a synthetic node, as this machine could not store them; beside it is a real node, so that
// there is something to put to.
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "apps/bench_restart.h"
#include "apps/bench_small.h"
#include "apps/bench_synthetic_node.h"
#include "apps/workload_pool.h"
#include "apps/workload_usage.h"
#include "base/random.h"
#include "base/strings.h"
#include "pool/object.h"

namespace aquifer::apps {
namespace {

constexpr double kBound = 5;  // s
constexpr std::uint32_t kObjects = 10'000'000;
constexpr std::uint32_t kQuickObjects = 100'000;
constexpr unsigned kRounds = 3;
constexpr std::uint64_t kNodeBytes = 64ull << 20;
constexpr std::size_t kValueBytes = 64;
constexpr std::string_view kNameSpace = "default";
constexpr std::size_t kBatch = 4096;
constexpr std::size_t kBatches = 64;  // looked up after each round, spread over all
constexpr std::chrono::milliseconds kTimeout{1000};
constexpr std::size_t kNodes = 2;

struct CatalogRestarts : Restarts {
  std::vector<double> listening{};  ///< as `seconds`, to the new meta's ready line
  std::vector<double> reported{};   ///< to the end of the report
  std::vector<double> meta_cpu{};   ///< that the new meta has used by then
  std::vector<double> own_cpu{};    ///< and this process, with the synthetic node, since the kill
};

/// How many objects of some batches are not there; what never was must not be there, either.
std::size_t missing(Client& client, const SmallObjects& objects, std::uint32_t count,
                    Restarts& restarts) {
  std::size_t missing = 0;
  const std::size_t batch = std::min<std::size_t>(kBatch, count);
  for (std::size_t i = 0; i < kBatches; ++i) {
    const std::uint64_t first = i * (count - batch) / (kBatches - 1);
    auto keys = objects.keys(first, batch);
    keys.push_back(objects.key(count + i));
    const auto found =
        client.exists_batch({std::vector<std::string_view>(keys.begin(), keys.end())});
    restarts.verified = restarts.verified && found.back() == Status::kNotFound;
    missing += static_cast<std::size_t>(
        std::count_if(found.begin(), found.end() - 1, [](Status s) { return s != Status::kOk; }));
  }
  return missing;
}

Result<void> restart(PrivatePool& pool, Client& client, const SmallObjects& objects,
                     std::uint32_t count, CatalogRestarts& restarts) {
  const std::size_t round = restarts.seconds.size();
  const std::string key = base::cat("bench/after/", round);
  const std::string value(kValueBytes, static_cast<char>('a' + round));
  const auto own_cpu_before = cpu_seconds(getpid());
  if (!own_cpu_before) return own_cpu_before.error();
  const auto again = restart_meta(pool, client, key, value);
  if (!again) return again.error();
  restarts.listening.push_back(again->listening);
  restarts.seconds.push_back(again->first_put);
  if (auto whole = await_alive(client, kNodes); !whole) return whole.error();
  restarts.reported.push_back(seconds_since(again->begin));
  const auto cpu = cpu_seconds(pool.meta_process());
  const auto own_cpu = cpu_seconds(getpid());
  if (!cpu) return cpu.error();
  if (!own_cpu) return own_cpu.error();
  restarts.meta_cpu.push_back(*cpu);
  restarts.own_cpu.push_back(*own_cpu - *own_cpu_before);
  const auto status = client.status();
  if (!status) return status.error();
  const std::uint64_t wanted = count + round + 1;
  restarts.kept += wanted;
  restarts.lost += std::max<std::uint64_t>(wanted - std::min(wanted, status->objects),
                                           missing(client, objects, count, restarts));
  const auto got = client.get(key);
  restarts.verified = restarts.verified && got && *got == value && status->objects == wanted;
  return {};
}

}  // namespace

Result<void> measure_restart_catalog(const BenchSettings& settings, Progress& progress,
                                     BenchReport& report) {
  const std::uint32_t count = settings.quick ? kQuickObjects : kObjects;
  progress.describe(base::cat("restart: meta with ", count, " objects"));
  auto pool = PrivatePool::start(
      {.program = settings.program, .dram_bytes = kNodeBytes, .evicts_ahead = false});
  if (!pool) return pool.error();
  auto client = Client::open({.meta = pool->meta(),
                              .transport = Transport::kShm,
                              .timeout = kTimeout,
                              .cached_handles = 0});
  if (!client) return client.error();
  const SmallObjects objects(base::cat("bench/", base::hex(base::random_id()), "/"), kValueBytes,
                             settings.seed);
  const std::uint64_t object_bytes = pool::stored_bytes(
      kValueBytes, pool::header_bytes(kNameSpace.size(), SmallObjects::kKeyBytes, kValueBytes));
  auto node = SyntheticNode::come_back(
      pool->meta(), {.objects = count,
                     .value_bytes = kValueBytes,
                     .object_bytes = object_bytes,
                     .name_space = std::string(kNameSpace),
                     .key = [&](std::uint64_t number) { return objects.key(number); }});
  if (!node) return node.error();
  if (auto filled = await_alive(*client, kNodes); !filled) return filled.error();
  CatalogRestarts restarts;
  restarts.node_processes = {static_cast<std::uint64_t>(pool->process(1))};
  const unsigned rounds = std::min(settings.rounds, kRounds);
  progress.begin(rounds);
  for (unsigned round = 0; round < rounds; ++round) {
    if (auto once = restart(*pool, *client, objects, count, restarts); !once) return once.error();
    progress.advance();
  }
  for (const auto& [name, seconds] : {std::pair{"restart.meta.10m.put", &restarts.seconds},
                                      std::pair{"restart.meta.10m.report", &restarts.reported}}) {
    BenchRow row = restart_row(name, restarts, *seconds, kBound);
    row.reference_name = base::cat("bound; ", count, " synthetic");
    row.candidates = {{"the new meta listens", median(restarts.listening)},
                      {"CPU of the new meta", median(restarts.meta_cpu)},
                      {"CPU of who reports", median(restarts.own_cpu)}};
    if (settings.quick) row.target.reset();
    report.rows.push_back(std::move(row));
  }
  report.rows.push_back(lost_row("restart.meta.10m.lost", restarts));
  report.remarks.push_back(base::cat(
      "restart: meta killed with ", count,
      " objects that a synthetic node reports; from the kill, ",
      static_cast<int>(1000 * median(restarts.listening)),
      " ms of which pass until the new one listens; by the end of the report it has used ",
      static_cast<int>(1000 * median(restarts.meta_cpu)), " ms of CPU, and the synthetic node ",
      static_cast<int>(1000 * median(restarts.own_cpu)), " ms; ", kBatches, " batches of ",
      std::min<std::size_t>(kBatch, count), " looked up"));
  return pool->stop();
}

}  // namespace aquifer::apps
