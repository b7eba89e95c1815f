#include "apps/bench_path.h"

#include <unistd.h>

#include <algorithm>
#include <utility>

#include "base/strings.h"

namespace aquifer::apps {
namespace {

const char* name_of_transport(Transport transport) {
  return transport == Transport::kTcp ? "tcp" : "shm";
}

}  // namespace

BenchPath::BenchPath(BenchSetup& setup, Client& client, Transport transport, unsigned threads)
    : setup_(setup),
      client_(client),
      transport_(transport),
      threads_(threads),
      crew_(threads),
      stream_crew_(transport == Transport::kTcp ? setup.settings.streams : 1) {}

Result<void> BenchPath::warm_up() {
  for (const Direction direction : {Direction::kPut, Direction::kGet}) {
    auto counted = BenchNodeBytes::start(client_, transport_, direction);
    if (!counted) return counted.error();
    (direction == Direction::kPut ? put_mark_ : get_mark_) = {
        *counted, setup_.objects.moved_bytes(direction)};
  }
  const BenchPlan& plan = setup_.plan;
  (void)setup_.objects.warm_up(client_, plan.slots + 2 * plan.sample_slots,
                               std::min<std::size_t>(8, plan.slots));
  return {};
}

std::uint64_t BenchPath::steps(const BenchSettings& settings) {
  return 2ull * (settings.rounds + 1);
}

std::vector<BenchPath::Limit> BenchPath::limits(std::size_t batch) {
  std::vector<Limit> found;
  const unsigned times = setup_.settings.replicas;
  const auto buffers = [this](Direction direction) -> const BlockBuffers& {
    return direction == Direction::kPut ? setup_.source : setup_.destination;
  };
  const auto repeats = [times](Direction direction) {
    return direction == Direction::kPut ? times : 1;
  };
  if (transport_ != Transport::kTcp) {
    for (const CopyVariant& variant : copy_variants()) {
      found.push_back({std::string(variant.name), [=, this](Direction direction, SlotRange range) {
                         return Result<double>(setup_.copies.run(variant, direction,
                                                                 buffers(direction), range,
                                                                 repeats(direction), crew_));
                       }});
    }
    return found;
  }
  for (const bool digests : {false, true}) {
    for (const SocketKind& kind : setup_.sockets) {
      const auto add = [&](BenchCrew& crew) {
        found.push_back({base::cat(crew.members(), crew.members() == 1 ? "_thread" : "_threads",
                                   kind.suffix, digests ? "_digests" : ""),
                         [=, this, &kind, &crew](Direction direction, SlotRange range) {
                           return kind.sockets.run(direction, buffers(direction), range, batch,
                                                   repeats(direction), digests, crew);
                         },
                         digests});
      };
      add(stream_crew_);
      if (threads_ < setup_.settings.streams) add(crew_);
    }
  }
  return found;
}

Result<void> BenchPath::measure(std::size_t batch, std::vector<BenchRow>& rows) {
  for (const Direction direction : {Direction::kPut, Direction::kGet}) {
    auto tried = limits(batch);
    auto row = measure(direction, batch, tried);
    if (!row) return row.error();
    add_rows(std::move(*row), batch, tried, rows);
  }
  return {};
}

Result<BenchRow> BenchPath::measure(Direction direction, std::size_t batch,
                                    std::vector<Limit>& limits) {
  BenchRow row;
  row.name =
      base::cat(name_of_transport(transport_), direction == Direction::kPut ? ".put" : ".get", ".r",
                setup_.settings.replicas, ".b", batch, ".t", threads_);
  row.verified = true;
  row.client_process = static_cast<std::uint64_t>(getpid());
  setup_.progress.describe(row.name);
  // The first round warms up; of it only stays whether its bytes were right.
  if (auto warm = round(direction, batch, limits, row); !warm) return warm.error();
  for (Limit& limit : limits) limit.values.clear();
  row.samples.clear();
  row.moved_bytes = 0;
  const auto before = settled_bytes(direction);
  if (!before) return before.error();
  if (setup_.settings.plant_wrong_byte && direction == Direction::kGet) {
    setup_.objects.plant_wrong_byte();
  }
  for (unsigned i = 0; i < setup_.settings.rounds; ++i) {
    if (auto done = round(direction, batch, limits, row); !done) return done.error();
  }
  const auto after = settled_bytes(direction);
  if (!after) return after.error();
  row.node_bytes = *after - *before;
  // Fewer means that bytes went another way than the row says.
  const unsigned copies = direction == Direction::kPut ? setup_.settings.replicas : 1;
  row.verified = row.verified && row.node_bytes >= row.moved_bytes * copies;
  const auto status = client_.status();
  if (!status) return status.error();
  for (const NodeStatus& node : status->nodes) row.node_processes.push_back(node.process);
  return row;
}

/// Every limit once, then the pool once.
Result<void> BenchPath::round(Direction direction, std::size_t batch, std::vector<Limit>& limits,
                              BenchRow& row) {
  for (Limit& limit : limits) {
    const SlotRange range = next_slots(batch);
    if (direction == Direction::kGet) {
      for (std::size_t i = 0; i < range.count; ++i) {
        setup_.destination.poison((range.first + i) % setup_.plan.slots);
      }
    }
    const auto seconds = limit.run(direction, range);
    if (!seconds) return seconds.error();
    limit.values.push_back(gigabytes_a_second(range.count, *seconds));
  }
  const SlotRange range = next_slots(batch);
  const BenchSample sample = direction == Direction::kPut
                                 ? setup_.objects.put(client_, range, batch)
                                 : setup_.objects.get(client_, range, batch);
  row.samples.push_back(gigabytes_a_second(sample.objects, sample.seconds));
  row.moved_bytes += sample.objects * bytes_of(setup_.settings.shape);
  row.verified = row.verified && sample.verified;
  setup_.progress.advance();
  return {};
}

/// What the nodes have counted since this path began, once that is all that was moved.
Result<std::uint64_t> BenchPath::settled_bytes(Direction direction) {
  const bool is_put = direction == Direction::kPut;
  const Mark& mark = is_put ? put_mark_ : get_mark_;
  const std::uint64_t moved = setup_.objects.moved_bytes(direction) - mark.moved;
  return mark.counted.since(client_, moved * (is_put ? setup_.settings.replicas : 1));
}

void BenchPath::add_rows(BenchRow row, std::size_t batch, const std::vector<Limit>& tried,
                         std::vector<BenchRow>& rows) const {
  const BenchSettings& settings = setup_.settings;
  const bool is_tcp = transport_ == Transport::kTcp;
  row.value = median(row.samples);
  for (const Limit& limit : tried) row.candidates.push_back({limit.name, median(limit.values)});
  row.target = bench_target(name_of_transport(transport_), batch, threads_, settings.replicas,
                            setup_.machine.cores);
  const auto refer_to_best = [&](bool digests) {
    row.reference = 0;
    for (std::size_t i = 0; i < tried.size(); ++i) {
      if (tried[i].digests != digests || row.candidates[i].value <= row.reference) continue;
      row.reference = row.candidates[i].value;
      row.reference_name = base::cat(is_tcp ? "sockets " : "copy ", tried[i].name);
    }
  };
  refer_to_best(false);
  rows.push_back(row);
  if (is_tcp) {
    row.name += ".digests";
    refer_to_best(true);
    rows.push_back(std::move(row));
  } else if (threads_ == 1) {
    row.name += ".memcpy";
    row.reference = row.candidates.front().value;
    row.reference_name = "copy memcpy";
    row.target = bench_memcpy_target(batch, threads_, settings.replicas);
    rows.push_back(std::move(row));
  }
}

/// The next slots in turn, so that no sample finds what the one before has left in the caches.
SlotRange BenchPath::next_slots(std::size_t batch) {
  const SlotRange range{next_slot_, batch * calls_per_sample(batch)};
  next_slot_ = (next_slot_ + range.count) % setup_.plan.slots;
  return range;
}

double BenchPath::gigabytes_a_second(std::size_t objects, double seconds) const {
  const auto bytes = static_cast<double>(objects * bytes_of(setup_.settings.shape));
  return seconds > 0 ? bytes / seconds / 1e9 : 0;
}

}  // namespace aquifer::apps
