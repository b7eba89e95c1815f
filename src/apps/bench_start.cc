// The part `start`: a large node from the start of its process to the first put that it takes, and
// to the moment in which all of its memory is there.
#include <unistd.h>
#include <chrono>
#include <cstdio>
#include <thread>
#include <utility>

#include "apps/bench_fit.h"
#include "apps/bench_parts.h"
#include "apps/workload_memory.h"
#include "apps/workload_pool.h"
#include "aquifer/client.h"
#include "base/size.h"
#include "base/strings.h"

namespace aquifer::apps {
namespace {

using Clock = std::chrono::steady_clock;

constexpr double kFirstPutBound = 1;  // seconds
constexpr std::uint64_t kNodeBytes = 16ull << 30;
constexpr std::uint64_t kQuickNodeBytes = 1ull << 30;
constexpr auto kPatience = std::chrono::seconds(60);
constexpr auto kPopulatePerGibibyte = std::chrono::seconds(20);
constexpr auto kLook = std::chrono::milliseconds(1);

double seconds_since(Clock::time_point begin) {
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

/// What all rounds found, in seconds.
struct Starts {
  std::vector<double> first_put{};
  std::vector<double> full{};
  bool verified = true;
  std::uint64_t node_process = 0;
};

/// Puts until a put succeeds.
Result<void> put_first(Client& client, const BlockBuffers& block) {
  const auto deadline = Clock::now() + kPatience;
  while (true) {
    const Status status = client.put("bench/first", block.const_pieces(0));
    if (status == Status::kOk) return {};
    if (Clock::now() > deadline) {
      return Error{Status::kTimeout, base::cat("a fresh node takes no put: ", name_of(status)), ""};
    }
    std::this_thread::sleep_for(kLook);
  }
}

/// Waits until the system has given the process as much shared memory as the node announces.
Result<void> await_memory(std::uint64_t process, std::uint64_t bytes) {
  const auto deadline = Clock::now() + kPatience + kPopulatePerGibibyte * (1 + (bytes >> 30));
  std::uint64_t have = 0;
  while ((have = shared_file_bytes(static_cast<pid_t>(process))) < bytes) {
    if (Clock::now() > deadline) {
      return Error{Status::kTimeout,
                   base::cat("a node has ", base::format_size_rounded(have), " instead of ",
                             base::format_size_rounded(bytes)),
                   "is there enough free memory?"};
    }
    std::this_thread::sleep_for(kLook);
  }
  return {};
}

/// The limit: as much shared memory, made present by one thread.
Result<double> populate_alone(std::uint64_t bytes) {
  const auto begin = Clock::now();
  const auto memory = Mapping::make(Mapping::Kind::kShared, bytes);
  if (!memory) return memory.error();
  return seconds_since(begin);
}

/// One start, with a meta that is there already, as in use. The first of a bench is followed until
/// all memory is there: with the limit beside it that can take a minute.
Result<void> start_once(const BenchSettings& settings, std::uint64_t bytes,
                        const BlockBuffers& source, const BlockBuffers& destination,
                        Starts& starts) {
  const bool is_followed = starts.full.empty();
  const Content content("bench/first", settings.seed + starts.first_put.size());
  source.fill(0, content);
  destination.poison(0);
  auto pool = PrivatePool::start({.program = settings.program, .nodes = 0});
  if (!pool) return pool.error();
  auto client = Client::open({.meta = pool->meta(), .transport = Transport::kShm});
  if (!client) return client.error();
  const auto begin = Clock::now();
  const auto process = pool->add_node(bytes);
  if (!process) return process.error();
  if (auto put = put_first(*client, source); !put) return put.error();
  starts.first_put.push_back(seconds_since(begin));
  starts.node_process = static_cast<std::uint64_t>(*process);
  if (is_followed) {
    if (auto there = await_memory(starts.node_process, bytes); !there) return there.error();
    starts.full.push_back(seconds_since(begin));
  }
  const GetOutcome got = client->get_into("bench/first", destination.pieces(0));
  starts.verified = starts.verified && got.status == Status::kOk &&
                    got.bytes == bytes_of(settings.shape) && !destination.mismatch(0, content);
  return pool->stop();
}

BenchRow row_of(const char* name, const Starts& starts, const std::vector<double>& samples) {
  return cost_row(name, "s", samples, starts.verified, {starts.node_process});
}

}  // namespace

Result<void> measure_start(const BenchSettings& settings, Progress& progress, BenchReport& report) {
  const std::uint64_t wanted = settings.quick ? kQuickNodeBytes : kNodeBytes;
  const std::uint64_t bytes = fitting_bytes(wanted, read_machine());
  if (auto remark = shrink_remark("start", wanted, bytes)) report.remarks.push_back(*remark);
  auto source = BlockBuffers::make(settings.shape, 1);
  if (!source) return source.error();
  auto destination = BlockBuffers::make(settings.shape, 1);
  if (!destination) return destination.error();
  Starts starts;
  progress.begin(settings.rounds);
  progress.describe(base::cat("start: a node of ", base::format_size_rounded(bytes)));
  const auto alone = populate_alone(bytes);
  if (!alone) return alone.error();
  for (unsigned i = 0; i < settings.rounds; ++i) {
    if (auto once = start_once(settings, bytes, *source, *destination, starts); !once) {
      return once.error();
    }
    progress.advance();
  }
  BenchRow first = row_of("start.first_put", starts, starts.first_put);
  first.reference = kFirstPutBound;
  first.reference_name = "bound";
  if (bytes >= kNodeBytes) first.target = 1;
  report.rows.push_back(std::move(first));
  BenchRow full = row_of("start.full", starts, starts.full);
  full.reference = *alone;
  full.reference_name = "populate alone";
  full.candidates = {{full.reference_name, full.reference}};
  report.rows.push_back(std::move(full));
  report.remarks.push_back(base::cat("start: a node of ", base::format_size_rounded(bytes),
                                     "; start.full is one start, beside one populating of as "
                                     "much memory"));
  return {};
}

}  // namespace aquifer::apps
