// The part `outage`: what a store that is stopped or dead costs a caller. The first call finds out
// and may take its deadline; those after it must cost next to nothing, until the store is back.
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <string>
#include <thread>
#include <utility>

#include "apps/bench_parts.h"
#include "apps/workload_latency.h"
#include "apps/workload_pool.h"
#include "aquifer/client.h"
#include "base/strings.h"

namespace aquifer::apps {
namespace {

using Clock = std::chrono::steady_clock;
using Milliseconds = std::chrono::duration<double, std::milli>;

constexpr std::uint64_t kNodeBytes = 64ull << 20;
constexpr std::size_t kValueBytes = 4096;
constexpr std::chrono::milliseconds kDeadline{500};
constexpr double kFirstTarget = 1.05;  // of the deadline: it takes a moment to wake up
constexpr double kRefusedBound = 50;   // us
constexpr double kBackBound = 2000;    // ms
constexpr std::size_t kCalls = 4000;
constexpr std::size_t kQuickCalls = 400;
constexpr auto kPatience = std::chrono::seconds(20);
constexpr auto kLook = std::chrono::milliseconds(1);

using Value = std::array<char, kValueBytes>;

/// What all rounds found of one kind of outage.
struct Outages {
  std::vector<double> first_ms{};
  std::vector<double> refused_p50_us{};
  std::vector<double> refused_p99_us{};
  std::vector<double> back_ms{};
  bool verified = true;
  std::uint64_t node_process = 0;
};

template <class Call>
double milliseconds_of(Call call) {
  const auto begin = Clock::now();
  call();
  return Milliseconds(Clock::now() - begin).count();
}

/// A call that needs meta; each kind in turn. True when it was refused.
bool ask(Client& client, std::size_t number, Value& room) {
  const std::string key = base::cat("bench/absent/", number);
  const Piece piece{room.data(), room.size()};
  switch (number % 3) {
    case 0:
      return client.put(key, room.data(), room.size()) == Status::kUnreachable;
    case 1:
      return client.get_into(key, {&piece, 1}).status == Status::kUnreachable;
    default:
      return client.exists(key) == Status::kUnreachable;
  }
}

/// What is read by a handle that the client has.
bool reads(Client& client, const Value& value) {
  Value room{};
  const Piece piece{room.data(), room.size()};
  return client.get_into("bench/kept", {&piece, 1}).status == Status::kOk && room == value;
}

void measure_refusals(Client& client, std::size_t calls, const Value& value, Outages& outages) {
  Value room = value;
  outages.first_ms.push_back(milliseconds_of([&] {
    const Status status = client.exists("bench/absent");
    outages.verified &= status == Status::kTimeout || status == Status::kUnreachable;
  }));
  std::vector<double> times;
  times.reserve(calls);
  for (std::size_t i = 0; i < calls; ++i) {
    times.push_back(milliseconds_of([&] { outages.verified &= ask(client, i, room); }));
  }
  const LatencySummary summary = summarize(times);
  outages.refused_p50_us.push_back(summary.p50 * 1000);
  outages.refused_p99_us.push_back(summary.p99 * 1000);
  outages.verified &= reads(client, value) && client.counters().breaker_opens == 1;
}

/// Milliseconds from now, when the store goes on, to the first put that succeeds.
Result<double> await_put(Client& client, const Value& value) {
  const auto begin = Clock::now();
  while (client.put("bench/after", value.data(), value.size()) != Status::kOk) {
    if (Clock::now() - begin > kPatience) {
      return Error{Status::kTimeout, "a store that goes on is not found again", ""};
    }
    std::this_thread::sleep_for(kLook);
  }
  return Milliseconds(Clock::now() - begin).count();
}

/// Stops or kills a child; returns when all its threads have.
void strike(pid_t process, int signal) {
  siginfo_t changed{};
  kill(process, signal);
  waitid(P_PID, static_cast<id_t>(process), &changed, WSTOPPED | WEXITED | WNOWAIT);
}

Result<void> suffer(const BenchSettings& settings, int signal, Outages& outages) {
  Value value;
  value.fill(static_cast<char>(settings.seed + outages.first_ms.size()));
  auto pool = PrivatePool::start({.program = settings.program, .dram_bytes = kNodeBytes});
  if (!pool) return pool.error();
  auto client =
      Client::open({.meta = pool->meta(), .transport = Transport::kShm, .timeout = kDeadline});
  if (!client) return client.error();
  const auto status = client->status();
  if (!status) return status.error();
  outages.node_process = status->nodes.front().process;
  outages.verified &=
      client->put("bench/kept", value.data(), value.size()) == Status::kOk && reads(*client, value);
  strike(pool->meta_process(), signal);
  measure_refusals(*client, settings.quick ? kQuickCalls : kCalls, value, outages);
  if (signal == SIGKILL) {
    (void)pool->stop();  // which reports that meta was killed
    return {};
  }
  kill(pool->meta_process(), SIGCONT);
  const auto back = await_put(*client, value);
  if (!back) return back.error();
  outages.back_ms.push_back(*back);
  return pool->stop();
}

BenchRow row_of(std::string name, const char* unit, const Outages& outages,
                const std::vector<double>& samples) {
  return cost_row(std::move(name), unit, samples, outages.verified, {outages.node_process});
}

void add_rows(const std::string& kind, const Outages& outages, BenchReport& report) {
  BenchRow first = row_of(base::cat("outage.", kind, ".first"), "ms", outages, outages.first_ms);
  first.reference = Milliseconds(kDeadline).count();
  first.reference_name = "deadline";
  first.target = kFirstTarget;
  report.rows.push_back(std::move(first));
  BenchRow refused =
      row_of(base::cat("outage.", kind, ".p99"), "us", outages, outages.refused_p99_us);
  refused.reference = kRefusedBound;
  refused.reference_name = "bound";
  refused.target = 1;
  refused.candidates = {{"p50", median(outages.refused_p50_us)}};
  report.rows.push_back(std::move(refused));
  if (outages.back_ms.empty()) return;
  BenchRow back = row_of(base::cat("outage.", kind, ".back"), "ms", outages, outages.back_ms);
  back.reference = kBackBound;
  back.reference_name = "bound";
  back.target = 1;
  report.rows.push_back(std::move(back));
}

}  // namespace

Result<void> measure_outage(const BenchSettings& settings, Progress& progress,
                            BenchReport& report) {
  constexpr std::array kKinds{std::pair{"stopped", SIGSTOP}, std::pair{"killed", SIGKILL}};
  progress.begin(settings.rounds * kKinds.size());
  for (const auto& [kind, signal] : kKinds) {
    progress.describe(base::cat("outage: meta ", kind));
    Outages outages;
    for (unsigned i = 0; i < settings.rounds; ++i) {
      if (auto suffered = suffer(settings, signal, outages); !suffered) return suffered.error();
      progress.advance();
    }
    add_rows(kind, outages, report);
    report.remarks.push_back(base::cat(
        "outage: meta ", kind, ": the first call ", static_cast<int>(median(outages.first_ms)),
        " ms of its deadline of ", kDeadline.count(), " ms; of those after it p99 ",
        static_cast<int>(median(outages.refused_p99_us) + 0.5), " us"));
  }
  return {};
}

}  // namespace aquifer::apps
