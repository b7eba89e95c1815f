// The part `restart`: servers that are killed and start again, how long it takes until the pool
// works as before, and what it has lost by then.
#include "apps/bench_restart.h"

#include <unistd.h>

#include <algorithm>
#include <thread>
#include <utility>

namespace aquifer::apps {
namespace {

constexpr std::chrono::seconds kPatience{60};
constexpr std::chrono::milliseconds kLook{1};

}  // namespace

double seconds_since(RestartClock::time_point begin) {
  return std::chrono::duration<double>(RestartClock::now() - begin).count();
}

Result<void> restart_await(const std::function<bool()>& is_so, const std::string& what) {
  const auto deadline = RestartClock::now() + kPatience;
  while (!is_so()) {
    if (RestartClock::now() > deadline) return Error{Status::kTimeout, what, ""};
    std::this_thread::sleep_for(kLook);
  }
  return {};
}

Result<void> await_alive(Client& client, std::size_t nodes) {
  return restart_await(
      [&] {
        const auto status = client.status();
        return status && std::count_if(status->nodes.begin(), status->nodes.end(),
                                       [](const auto& node) { return node.state == "alive"; }) ==
                             static_cast<std::ptrdiff_t>(nodes);
      },
      "the nodes of a pool do not come back");
}

Result<MetaRestart> restart_meta(PrivatePool& pool, Client& client, const std::string& key,
                                 const std::string& value) {
  MetaRestart restart;
  restart.begin = RestartClock::now();
  pool.kill(PrivatePool::kMeta);
  if (auto started = pool.start_again(PrivatePool::kMeta); !started) return started.error();
  restart.listening = seconds_since(restart.begin);
  auto put =
      restart_await([&] { return client.put(key, value.data(), value.size()) == Status::kOk; },
                    "a pool with a new meta takes no put");
  if (!put) return put.error();
  restart.first_put = seconds_since(restart.begin);
  return restart;
}

BenchRow restart_row(std::string name, const Restarts& restarts,
                     const std::vector<double>& seconds) {
  return cost_row(std::move(name), "s", seconds, restarts.verified && restarts.lost == 0,
                  restarts.node_processes);
}

BenchRow restart_row(std::string name, const Restarts& restarts, const std::vector<double>& seconds,
                     double bound) {
  BenchRow row = restart_row(std::move(name), restarts, seconds);
  row.reference = bound;
  row.reference_name = "bound";
  row.target = 1;
  return row;
}

BenchRow lost_row(std::string name, const Restarts& restarts) {
  BenchRow row = restart_row(std::move(name), restarts, {});
  row.unit = "objects";
  row.value = static_cast<double>(restarts.lost);
  row.reference = static_cast<double>(restarts.kept);
  row.reference_name = "objects";
  row.target = 0;
  return row;
}

Result<void> measure_restart(const BenchSettings& settings, Progress& progress,
                             BenchReport& report) {
  for (const auto measure : {measure_restart_meta, measure_restart_catalog, measure_restart_node,
                             measure_restart_replicas}) {
    if (auto measured = measure(settings, progress, report); !measured) return measured.error();
  }
  return {};
}

}  // namespace aquifer::apps
