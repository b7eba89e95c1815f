// The part `peers`: the same objects through the pool and through another server, in turn, one
// object a call, as the plain alternative that a user would pick.
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include "apps/bench_fit.h"
#include "apps/bench_node_bytes.h"
#include "apps/bench_objects.h"
#include "apps/bench_parts.h"
#include "apps/bench_peer.h"
#include "apps/workload_latency.h"
#include "apps/workload_pool.h"
#include "base/strings.h"

namespace aquifer::apps {
namespace {

using Clock = std::chrono::steady_clock;

/// One kind of object.
struct Kind {
  const char* name;
  BlockShape shape;
  std::size_t sample;  ///< calls in one sample
  bool is_latency;     ///< microseconds a call; else GB/s
};

std::vector<Kind> kinds_of(const BenchSettings& settings) {
  return {{"4k", {4096}, settings.quick ? 200u : 2000u, true},
          {"block", settings.shape, settings.quick ? 8u : 32u, false}};
}

/// The same objects in another server: as many keys as slots, put over and over.
class PeerObjects {
 public:
  PeerObjects(BenchPeer& peer, std::uint64_t seed, const BlockBuffers& source,
              const BlockBuffers& destination)
      : peer_(peer), seed_(seed), source_(source), destination_(destination) {}

  BenchSample put(SlotRange range) {
    ++version_;
    versions_.resize(source_.slots());
    for (std::size_t i = 0; i < range.count; ++i) {
      const std::size_t slot = (range.first + i) % source_.slots();
      versions_[slot] = version_;
      source_.fill(slot, content(slot));
    }
    return run(range, [this](std::size_t slot) {
      return peer_.put(key(slot), source_.const_pieces(slot));
    });
  }

  BenchSample get(SlotRange range) {
    for (std::size_t i = 0; i < range.count; ++i) {
      destination_.poison((range.first + i) % source_.slots());
    }
    BenchSample sample = run(range, [this](std::size_t slot) {
      return peer_.get(key(slot), destination_.pieces(slot));
    });
    for (std::size_t i = 0; i < range.count; ++i) {
      const std::size_t slot = (range.first + i) % source_.slots();
      const auto wrong = destination_.mismatch(slot, content(slot));
      if (!wrong) continue;
      sample.verified = false;
      if (trouble_.empty()) trouble_ = base::cat("wrong byte at ", *wrong, " of ", key(slot));
    }
    return sample;
  }

  const std::string& trouble() const { return trouble_; }

 private:
  static std::string key(std::size_t slot) { return base::cat("bench/peer/", slot); }
  Content content(std::size_t slot) const { return Content(key(slot), seed_ + versions_[slot]); }

  template <class Call>
  BenchSample run(SlotRange range, Call&& call) {
    BenchSample sample{.objects = range.count};
    for (std::size_t i = 0; i < range.count; ++i) {
      const std::size_t slot = (range.first + i) % source_.slots();
      const auto begin = Clock::now();
      const Result<void> done = call(slot);
      const double seconds = std::chrono::duration<double>(Clock::now() - begin).count();
      sample.seconds += seconds;
      sample.milliseconds.push_back(seconds * 1e3);
      if (done) continue;
      sample.verified = false;
      ++sample.failed;
      if (trouble_.empty()) trouble_ = done.error().message;
    }
    return sample;
  }

  BenchPeer& peer_;
  std::uint64_t seed_;
  const BlockBuffers& source_;
  const BlockBuffers& destination_;
  std::vector<std::uint64_t> versions_{};
  std::uint64_t version_ = 0;
  std::string trouble_{};
};

double value_of(BenchSample& sample, const Kind& kind) {
  if (kind.is_latency) return summarize(sample.milliseconds).p50 * 1e3;
  return static_cast<double>(sample.objects * bytes_of(kind.shape)) / sample.seconds / 1e9;
}

/// Samples of the pool and of the peer, in turn.
struct Duel {
  std::vector<double> ours{};
  std::vector<double> theirs{};
  bool verified = true;

  void add(BenchSample pool, BenchSample peer, const Kind& kind) {
    ours.push_back(value_of(pool, kind));
    theirs.push_back(value_of(peer, kind));
    verified = verified && pool.verified && peer.verified;
  }
};

BenchRow row_of(const PeerProtocol& protocol, const char* act, const Kind& kind, const Duel& duel) {
  BenchRow row;
  row.name = base::cat(protocol.name, ".", act, ".", kind.name);
  row.unit = kind.is_latency ? "us" : "GB/s";
  row.better = kind.is_latency ? "lower" : "higher";
  row.value = median(duel.ours);
  row.reference = median(duel.theirs);
  row.reference_name = protocol.name;
  row.verified = duel.verified;
  row.samples = duel.ours;
  row.candidates = {{row.reference_name, row.reference}};
  row.moved_bytes = duel.ours.size() * kind.sample * bytes_of(kind.shape);
  row.client_process = static_cast<std::uint64_t>(getpid());
  return row;
}

/// One kind of object in both servers, for the time of its measurement.
struct Match {
  const PeerProtocol& protocol;
  const Kind& kind;
  std::size_t slots;
  const BenchSettings& settings;
  Client& client;
  BenchPeer& peer;
  BenchObjects ours;
  PeerObjects theirs;
  Duel puts{};
  Duel gets{};

  void warm_up();
  void play(Progress& progress);
  Result<void> run(Progress& progress, BenchReport& report);
};

void Match::warm_up() {
  bool verified = ours.warm_up(client, slots + 2 * kind.sample, kind.sample);
  for (std::size_t done = 0; done < slots; done += kind.sample) {
    const SlotRange range{done, std::min(kind.sample, slots - done)};
    verified = theirs.put(range).verified && theirs.get(range).verified && verified;
  }
  puts.verified = gets.verified = verified;
}

void Match::play(Progress& progress) {
  std::size_t slot = 0;
  for (unsigned round = 0; round < settings.rounds; ++round) {
    const SlotRange range{slot, kind.sample};
    puts.add(ours.put(client, range, 1), theirs.put(range), kind);
    gets.add(ours.get(client, range, 1), theirs.get(range), kind);
    slot = (slot + kind.sample) % slots;
    progress.advance();
  }
}

Result<void> Match::run(Progress& progress, BenchReport& report) {
  warm_up();
  const auto written = BenchNodeBytes::start(client, Transport::kShm, Direction::kPut);
  if (!written) return written.error();
  const auto read = BenchNodeBytes::start(client, Transport::kShm, Direction::kGet);
  if (!read) return read.error();
  play(progress);
  const auto status = client.status();
  if (!status) return status.error();
  for (const Direction direction : {Direction::kPut, Direction::kGet}) {
    const bool is_put = direction == Direction::kPut;
    BenchRow row = row_of(protocol, is_put ? "put" : "get", kind, is_put ? puts : gets);
    const auto counted = (is_put ? *written : *read).since(client, row.moved_bytes);
    if (!counted) return counted.error();
    row.node_bytes = *counted;
    row.verified = row.verified && row.node_bytes >= row.moved_bytes;
    for (const NodeStatus& node : status->nodes) row.node_processes.push_back(node.process);
    row.node_processes.push_back(peer.process());
    report.rows.push_back(std::move(row));
  }
  for (const std::string& trouble : {ours.trouble(), theirs.trouble()}) {
    if (!trouble.empty()) report.remarks.push_back(base::cat(protocol.name, ": ", trouble));
  }
  return {};
}

Result<void> measure_kind(const PeerProtocol& protocol, const Kind& kind, std::size_t slots,
                          const BenchSettings& settings, Progress& progress, BenchReport& report) {
  auto source = BlockBuffers::make(kind.shape, slots);
  if (!source) return source.error();
  auto destination = BlockBuffers::make(kind.shape, slots);
  if (!destination) return destination.error();
  auto peer = BenchPeer::start(protocol, slots * bytes_of(kind.shape));
  if (!peer) return peer.error();
  auto pool = PrivatePool::start(
      {.program = settings.program,
       .dram_bytes = pool_bytes_for(slots + 2 * kind.sample, bytes_of(kind.shape))});
  if (!pool) return pool.error();
  auto client = Client::open(
      {.meta = pool->meta(), .transport = Transport::kShm, .timeout = std::chrono::seconds(60)});
  if (!client) return client.error();
  Match match{protocol,
              kind,
              slots,
              settings,
              *client,
              *peer,
              BenchObjects("bench/against/", settings.seed, 1, slots, *source, *destination),
              PeerObjects(*peer, settings.seed, *source, *destination)};
  if (auto done = match.run(progress, report); !done) return done;
  if (auto stopped = peer->stop(); !stopped) return stopped;
  return pool->stop();
}

/// Enough that no cache answers: source, destination, pool and peer each rotate over so many.
std::size_t slots_for(const Kind& kind, const BenchSettings& settings) {
  constexpr std::uint64_t kMemories = 6;  // peers need some more than their values
  const Machine machine = read_machine();
  const std::uint64_t rotation =
      settings.rotation_bytes != 0 ? settings.rotation_bytes : rotation_bytes(machine);
  const std::uint64_t bytes = fitting_bytes(kMemories * rotation, machine) / kMemories;
  return std::max<std::size_t>(2 * kind.sample, bytes / bytes_of(kind.shape));
}

}  // namespace

Result<void> measure_peers(const BenchSettings& settings, Progress& progress, BenchReport& report) {
  for (const PeerProtocol& protocol : peer_protocols()) {
    if (std::find(settings.against.begin(), settings.against.end(), protocol.name) ==
        settings.against.end()) {
      continue;
    }
    for (const Kind& kind : kinds_of(settings)) {
      progress.begin(settings.rounds);
      progress.describe(base::cat("peers: ", protocol.name, ", ", kind.name));
      auto measured =
          measure_kind(protocol, kind, slots_for(kind, settings), settings, progress, report);
      if (!measured) return measured;
    }
    report.remarks.push_back(
        base::cat(protocol.name,
                  ": one connection by a Unix socket, one object a call; the client "
                  "of the pool reads by mapped memory and remembers handles"));
  }
  return {};
}

}  // namespace aquifer::apps
