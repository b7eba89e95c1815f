// The part `cold`: a client that has just mapped a populated segment, in its first pass over all of
// it, beside the same client in its second.
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <thread>
#include <utility>

#include "apps/bench_fit.h"
#include "apps/bench_node_bytes.h"
#include "apps/bench_objects.h"
#include "apps/bench_parts.h"
#include "apps/workload_pool.h"
#include "base/size.h"
#include "base/strings.h"

namespace aquifer::apps {
namespace {

using Clock = std::chrono::steady_clock;

constexpr double kTarget = 0.7;
constexpr std::uint64_t kPoolBytes = 4ull << 30;  // what the target is promised for
constexpr std::uint64_t kQuickPoolBytes = 512ull << 20;
constexpr std::size_t kBatch = 8;
constexpr std::size_t kSlots = 32;  // of source and destination
constexpr auto kFreeAgain = std::chrono::seconds(10);

/// The passes of one direction over all rounds, GB/s.
struct Passes {
  std::vector<double> cold{};
  std::vector<double> warm{};
  bool verified = true;
  std::uint64_t moved_bytes = 0;
};

class Cold {
 public:
  Cold(const BenchSettings& settings, const std::string& meta, std::size_t objects,
       const BlockBuffers& source, const BlockBuffers& destination)
      : settings_(settings),
        meta_(meta),
        count_(objects),
        objects_("bench/cold/", settings.seed, 1, objects, source, destination) {}

  Result<void> run(Progress& progress);
  void report(BenchReport& report) const;

 private:
  Result<Client> open() const {
    return Client::open(
        {.meta = meta_, .transport = Transport::kShm, .timeout = std::chrono::seconds(60)});
  }
  Result<void> empty(Client& other);
  Result<void> round(Client& other);
  double pass(Client& client, Direction direction, Passes& passes);
  BenchRow row(const char* name, const Passes& passes, std::uint64_t node_bytes) const;

  const BenchSettings& settings_;
  const std::string& meta_;
  std::size_t count_;
  BenchObjects objects_;
  Passes puts_;
  Passes gets_;
  std::uint64_t put_bytes_counted_ = 0;
  std::uint64_t get_bytes_counted_ = 0;
  std::uint64_t node_process_ = 0;
  std::uint64_t huge_bytes_ = 0;
};

/// Empties the pool, by a client that touches none of its memory, and waits until all is free.
Result<void> Cold::empty(Client& other) {
  objects_.remove_all(other);
  const auto deadline = Clock::now() + kFreeAgain;
  while (true) {
    const auto status = other.status();
    if (!status) return status.error();
    if (status->used_bytes == 0 && status->limbo_bytes == 0) return {};
    if (Clock::now() > deadline) {
      return Error{Status::kTimeout,
                   base::cat("a pool without objects still holds ", status->used_bytes,
                             " bytes and ", status->limbo_bytes, " in limbo"),
                   ""};
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
}

/// All objects once, in calls of a batch; GB/s by the time inside the calls.
double Cold::pass(Client& client, Direction direction, Passes& passes) {
  double seconds = 0;
  for (std::size_t done = 0; done < count_; done += kBatch) {
    const std::size_t batch = std::min(kBatch, count_ - done);
    const SlotRange range{done % kSlots, batch};
    const BenchSample sample = direction == Direction::kPut ? objects_.put(client, range, batch)
                                                            : objects_.get(client, range, batch);
    seconds += sample.seconds;
    passes.verified = passes.verified && sample.verified;
  }
  const std::uint64_t bytes = count_ * bytes_of(settings_.shape);
  passes.moved_bytes += bytes;
  return static_cast<double>(bytes) / seconds / 1e9;
}

/// A fresh client for the puts, another one for the gets.
Result<void> Cold::round(Client& other) {
  {
    auto writer = open();
    if (!writer) return writer.error();
    for (std::vector<double>* found : {&puts_.cold, &puts_.warm}) {
      if (auto emptied = empty(other); !emptied) return emptied.error();
      found->push_back(pass(*writer, Direction::kPut, puts_));
    }
  }
  auto reader = open();
  if (!reader) return reader.error();
  gets_.cold.push_back(pass(*reader, Direction::kGet, gets_));
  gets_.warm.push_back(pass(*reader, Direction::kGet, gets_));
  huge_bytes_ = huge_shared_bytes();
  return {};
}

Result<void> Cold::run(Progress& progress) {
  auto other = open();
  if (!other) return other.error();
  // Gives every page of the segment its content once, so that a first pass finds it populated.
  progress.describe("cold: filling the pool");
  for (std::size_t done = 0; done < count_; done += kBatch) {
    const std::size_t batch = std::min(kBatch, count_ - done);
    puts_.verified = objects_.put(*other, {done % kSlots, batch}, batch).verified && puts_.verified;
  }
  const auto written = BenchNodeBytes::start(*other, Transport::kShm, Direction::kPut);
  if (!written) return written.error();
  const auto read = BenchNodeBytes::start(*other, Transport::kShm, Direction::kGet);
  if (!read) return read.error();
  progress.begin(settings_.rounds);
  progress.describe("cold: first and second passes");
  for (unsigned i = 0; i < settings_.rounds; ++i) {
    if (auto done = round(*other); !done) return done.error();
    progress.advance();
  }
  const auto put = written->since(*other, puts_.moved_bytes);
  const auto got = read->since(*other, gets_.moved_bytes);
  const auto status = other->status();
  if (!put || !got || !status) return !put ? put.error() : !got ? got.error() : status.error();
  put_bytes_counted_ = *put;
  get_bytes_counted_ = *got;
  for (const NodeStatus& node : status->nodes) node_process_ = node.process;
  return {};
}

BenchRow Cold::row(const char* name, const Passes& passes, std::uint64_t node_bytes) const {
  BenchRow row;
  row.name = name;
  row.value = median(passes.cold);
  row.reference = median(passes.warm);
  row.reference_name = "the pass repeated";
  if (count_ * bytes_of(settings_.shape) >= kPoolBytes / 10 * 9) row.target = kTarget;
  row.verified = passes.verified && node_bytes >= passes.moved_bytes;
  row.samples = passes.cold;
  row.candidates = {{row.reference_name, row.reference}};
  row.moved_bytes = passes.moved_bytes;
  row.node_bytes = node_bytes;
  row.client_process = static_cast<std::uint64_t>(getpid());
  row.node_processes = {node_process_};
  return row;
}

void Cold::report(BenchReport& report) const {
  report.rows.push_back(row("cold.get", gets_, get_bytes_counted_));
  report.rows.push_back(row("cold.put", puts_, put_bytes_counted_));
  report.remarks.push_back(
      base::cat("cold: ", base::format_size_rounded(count_ * bytes_of(settings_.shape)), " in ",
                count_, " objects; the client may use ", report.machine.cores,
                " cores, moves bytes with one thread, ", "and at the end has ",
                base::format_size_rounded(huge_bytes_), " mapped by huge pages"));
  if (!objects_.trouble().empty()) {
    report.remarks.push_back("cold: first trouble: " + objects_.trouble());
  }
}

}  // namespace

Result<void> measure_cold(const BenchSettings& settings, Progress& progress, BenchReport& report) {
  const std::uint64_t object_bytes = bytes_of(settings.shape);
  const std::uint64_t wanted = settings.quick ? kQuickPoolBytes : kPoolBytes;
  const std::uint64_t buffers = 2 * kSlots * object_bytes;
  const std::uint64_t bytes =
      fitting_bytes(wanted + buffers, read_machine()) - std::min(buffers, wanted / 2);
  const std::uint64_t used = std::min(wanted, bytes);
  if (auto remark = shrink_remark("cold", wanted, used)) report.remarks.push_back(*remark);
  const std::size_t objects = std::max<std::size_t>(kBatch, pool_blocks_in(used, object_bytes));
  auto source = BlockBuffers::make(settings.shape, kSlots);
  if (!source) return source.error();
  auto destination = BlockBuffers::make(settings.shape, kSlots);
  if (!destination) return destination.error();
  auto pool = PrivatePool::start(
      {.program = settings.program, .dram_bytes = pool_bytes_for(objects, object_bytes)});
  if (!pool) return pool.error();
  Cold cold(settings, pool->meta(), objects, *source, *destination);
  auto measured = cold.run(progress);
  if (measured) cold.report(report);
  if (auto stopped = pool->stop(); !stopped && measured) return stopped.error();
  return measured;
}

}  // namespace aquifer::apps
