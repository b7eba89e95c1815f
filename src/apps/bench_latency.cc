// Small calls, one at a time: views and gets by cached handles beside promised bounds, calls that
// ask meta beside the bare echo of the same bytes through this stack's RPC, and that echo beside
// raw sockets.
#include <sched.h>

#include <unistd.h>

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "apps/bench_echo.h"
#include "apps/bench_parts.h"
#include "apps/bench_python.h"
#include "apps/bench_small_calls.h"
#include "apps/workload_pool.h"
#include "base/strings.h"
#include "protocol/messages.h"

namespace aquifer::apps {
namespace {

constexpr std::uint64_t kPoolBytes = 256ull << 20;
constexpr std::size_t kCalls = 2000;  // in a round
constexpr std::size_t kCallsQuick = 200;
constexpr std::size_t kTurns = 20;  // of limit and ours, in a round
constexpr double kViewMicroseconds = 3.0;
constexpr double kGetMicroseconds = 1.5;
constexpr double kPythonMicroseconds = 4.0;
constexpr double kGetLookupTimesEcho = 1.6;
constexpr double kPutTimesEcho = 2.2;
constexpr double kExistsTimesEcho = 2.2;

/// As long as what a look-up of `keys` keys exchanges, each found with one replica in one run.
EchoBytes lookup_bytes(std::size_t keys) {
  static const std::string key(SmallObjects::kKeyBytes, 'k');
  const std::string name_space = ClientOptions{}.name_space;
  const protocol::Lookup request{name_space, true, std::vector<std::string_view>(keys, key)};
  protocol::Handle handle;
  handle.replicas = {{.extents = {{}}}};
  const protocol::Handles reply{std::vector<protocol::Handle>(keys, handle)};
  return {rpc::encoded_bytes(request), rpc::encoded_bytes(reply)};
}

/// The same for the start of a put.
EchoBytes put_bytes() {
  const std::string key(SmallObjects::kKeyBytes, 'k');
  const std::string name_space = ClientOptions{}.name_space;
  protocol::PutStart request;
  request.name_space = name_space;
  request.items.push_back({key, SmallCalls::kBytes, {}});
  return {rpc::encoded_bytes(request), lookup_bytes(1).reply};
}

/// What one row measures: a call, and either what limits it or a bound.
struct LatencyPath {
  std::string name;
  TimedCall call;
  std::optional<TimedCall> limit{};
  std::string limit_name{};
  double bound = 0;  ///< microseconds; where there is no measured limit
  std::optional<double> target{};
  bool asks_meta = true;  ///< false: by cached handles, and meta must hear nothing of it
  std::vector<CallTimes> ours{};
  std::vector<CallTimes> limits{};
  std::size_t wrong = 0;  ///< in all rounds, that to warm up included
};

BenchRow row_of(const LatencyPath& path, bool is_quick) {
  auto row = bound_row(path.name, "us", "lower", path.bound, is_quick);
  const CallTimes ours = median_of(path.ours);
  row.value = ours.p50;
  for (const CallTimes& round : path.ours) row.samples.push_back(round.p50);
  row.candidates = {{"mean", ours.mean}, {"p99", ours.p99}};
  row.verified = path.wrong == 0;
  if (path.limit) {
    const CallTimes limits = median_of(path.limits);
    row.reference = limits.p50;
    row.reference_name = path.limit_name;
    row.target = is_quick ? std::nullopt : path.target;
    row.candidates.push_back({"limit_p99", limits.p99});
  }
  return row;
}

void keep(CallRound& round, std::vector<CallTimes>& rounds, LatencyPath& path, bool warms_up) {
  const CallTimes times = round.end();
  path.wrong += times.wrong;
  if (!warms_up) rounds.push_back(times);
}

/// The processors this process may use, in two parts: one for the client, the rest for servers. All
/// stay together where there is only one. Children inherit the part in which they were started.
class TwoSides {
 public:
  TwoSides() {
    if (sched_getaffinity(0, sizeof all_, &all_) != 0 || CPU_COUNT(&all_) < 2) return;
    servers_ = all_;
    int first = 0;
    while (!CPU_ISSET(first, &all_)) ++first;
    CPU_CLR(first, &servers_);
    CPU_SET(first, &client_);
    is_split_ = true;
  }
  ~TwoSides() { enter(all_); }
  TwoSides(const TwoSides&) = delete;
  TwoSides& operator=(const TwoSides&) = delete;

  void enter_servers() const { enter(servers_); }
  void enter_client() const { enter(client_); }

 private:
  void enter(const cpu_set_t& part) const {
    if (is_split_) sched_setaffinity(0, sizeof part, &part);
  }
  cpu_set_t all_{};
  cpu_set_t servers_{};
  cpu_set_t client_{};
  bool is_split_ = false;
};

class LatencyBench {
 public:
  LatencyBench(const BenchSettings& settings, Progress& progress, BenchReport& report)
      : settings_(settings),
        progress_(progress),
        report_(report),
        calls_each_(settings.quick ? kCallsQuick : kCalls) {}

  Result<void> run(const std::string& meta, BenchEcho& echo);

 private:
  TimedCall echo_call(BenchEcho& echo, EchoBytes bytes);
  TimedCall raw_call(BenchEcho& echo, EchoBytes bytes);
  std::vector<LatencyPath> paths(SmallCalls& calls, BenchEcho& echo);
  void round(LatencyPath& path, SmallCalls& calls, bool warms_up);
  void add(const LatencyPath& path, const PoolStatus& status);
  Result<void> python(const std::string& meta, const PoolStatus& status);

  const BenchSettings& settings_;
  Progress& progress_;
  BenchReport& report_;
  const std::size_t calls_each_;
  bool answered_ = false;
};

TimedCall LatencyBench::echo_call(BenchEcho& echo, EchoBytes bytes) {
  return {.call = [this, &echo, bytes] { answered_ = echo.call(bytes); },
          .check = [this] { return answered_; }};
}

TimedCall LatencyBench::raw_call(BenchEcho& echo, EchoBytes bytes) {
  return {.call = [this, &echo, bytes] { answered_ = echo.call_raw(bytes); },
          .check = [this] { return answered_; }};
}

std::vector<LatencyPath> LatencyBench::paths(SmallCalls& calls, BenchEcho& echo) {
  std::vector<LatencyPath> found{{.name = "view.block",
                                  .call = calls.view_block(),
                                  .bound = kViewMicroseconds,
                                  .asks_meta = false},
                                 {.name = "view.4k",
                                  .call = calls.view_small(),
                                  .bound = kViewMicroseconds,
                                  .asks_meta = false},
                                 {.name = "get.4k.cached",
                                  .call = calls.get_cached(),
                                  .bound = kGetMicroseconds,
                                  .asks_meta = false}};
  const auto beside_echo = [&](std::string name, TimedCall call, EchoBytes bytes, double target) {
    found.push_back({.name = "echo." + name,
                     .call = echo_call(echo, bytes),
                     .limit = raw_call(echo, bytes),
                     .limit_name = "raw socket"});
    found.push_back({.name = std::move(name),
                     .call = std::move(call),
                     .limit = echo_call(echo, bytes),
                     .limit_name = "echo",
                     .target = target});
  };
  beside_echo("get.4k.lookup", calls.get_lookup(), lookup_bytes(1), kGetLookupTimesEcho);
  beside_echo("put.4k", calls.put(), put_bytes(), kPutTimesEcho);
  beside_echo("exists.128", calls.exists(), lookup_bytes(SmallCalls::kObjects), kExistsTimesEcho);
  return found;
}

/// The limit and ours, some calls of each in turn, since processors change their pace within a
/// round. A round to warm up leaves nothing but what was wrong.
void LatencyBench::round(LatencyPath& path, SmallCalls& calls, bool warms_up) {
  progress_.describe(path.name);
  CallRound ours(path.call);
  std::optional<CallRound> limit;
  if (path.limit) limit.emplace(*path.limit);
  const std::uint64_t asked = calls.meta_calls();
  for (std::size_t i = 0; i < kTurns; ++i) {
    if (limit) limit->go_on(calls_each_ / kTurns);
    ours.go_on(calls_each_ / kTurns);
  }
  // Reports of what was read go to meta from time to time; look-ups would go each time.
  const bool has_asked = calls.meta_calls() - asked > calls_each_ / 4;
  if (!warms_up && !path.asks_meta && has_asked) ++path.wrong;
  keep(ours, path.ours, path, warms_up);
  if (limit) keep(*limit, path.limits, path, warms_up);
  progress_.advance();
}

Result<void> LatencyBench::run(const std::string& meta, BenchEcho& echo) {
  auto remembering = Client::open({.meta = meta});
  if (!remembering) return remembering.error();
  auto asking = Client::open({.meta = meta, .cached_handles = 0});
  if (!asking) return asking.error();
  SmallCalls calls(std::move(*remembering), std::move(*asking), settings_.shape, settings_.seed);
  const auto there = calls.set_up();
  auto tried = paths(calls, echo);
  progress_.begin(tried.size() * (settings_.rounds + 1));
  for (unsigned i = 0; there && i <= settings_.rounds; ++i) {
    if (i == 1 && settings_.plant_wrong_byte) calls.plant_wrong_byte();
    for (LatencyPath& path : tried) round(path, calls, i == 0);
  }
  const auto status = calls.client().status();
  calls.remove_all();
  if (!there) return there.error();
  if (!status) return status.error();
  for (const LatencyPath& path : tried) add(path, *status);
  return python(meta, *status);
}

void LatencyBench::add(const LatencyPath& path, const PoolStatus& status) {
  report_.rows.push_back(row_of(path, settings_.quick));
  for (const NodeStatus& node : status.nodes) {
    report_.rows.back().node_processes.push_back(node.process);
  }
}

Result<void> LatencyBench::python(const std::string& meta, const PoolStatus& status) {
  LatencyPath path{.name = "get.4k.cached.python", .call = {}, .bound = kPythonMicroseconds};
  progress_.describe(path.name);
  auto outcome = time_python_gets({.program = settings_.python,
                                   .meta = meta,
                                   .calls = calls_each_,
                                   .rounds = settings_.rounds});
  if (!outcome) return outcome.error();
  if (!outcome->missing.empty()) {
    report_.remarks.push_back(base::cat(path.name, " was left out: ", outcome->missing));
    return {};
  }
  path.ours = std::move(outcome->rounds);
  for (const CallTimes& round : path.ours) path.wrong += round.wrong;
  add(path, status);
  report_.rows.back().client_process = outcome->process;
  return {};
}

}  // namespace

Result<void> measure_latency(const BenchSettings& settings, Progress& progress,
                             BenchReport& report) {
  // Servers and client keep to processors of their own: whether a call has to wake another one or
  // not makes more difference than anything that is measured here.
  const TwoSides sides;
  sides.enter_servers();
  auto echo = BenchEcho::start();
  if (!echo) return echo.error();
  LatencyBench bench(settings, progress, report);
  if (!settings.meta.empty()) {
    sides.enter_client();
    return bench.run(settings.meta, *echo);
  }
  progress.describe("starting a private pool");
  auto pool = PrivatePool::start({.program = settings.program, .dram_bytes = kPoolBytes});
  if (!pool) return pool.error();
  sides.enter_client();
  auto measured = bench.run(pool->meta(), *echo);
  if (auto stopped = pool->stop(); !stopped && measured) return stopped.error();
  return measured;
}

}  // namespace aquifer::apps
