#include "meta/segments.h"

#include <algorithm>

#include "base/check.h"

namespace aquifer::meta {
namespace {

// Grants are asked for in steps: large enough not to be in the way, small enough to bound what a
// crash leaves unclear.
constexpr std::uint64_t kGrantStepUnits = (std::uint64_t{256} << 20) / pool::kUnitBytes;
constexpr std::uint64_t kGrantLowUnits = kGrantStepUnits / 2;
constexpr std::uint32_t kGrantStepSlots = 16384;
constexpr std::size_t kReserveSlots = 64;

}  // namespace

SegmentIndex Segments::find(base::SegmentId id) const {
  const auto found =
      std::find_if(table_.begin(), table_.end(), [&](const auto& s) { return s && s->id == id; });
  return found == table_.end() ? kNone : static_cast<SegmentIndex>(found - table_.begin());
}

SegmentIndex Segments::find_node(base::NodeId id) const {
  const auto found = std::find_if(table_.begin(), table_.end(),
                                  [&](const auto& s) { return s && s->node.id == id; });
  return found == table_.end() ? kNone : static_cast<SegmentIndex>(found - table_.begin());
}

SegmentIndex Segments::find_name(std::string_view name) const {
  const auto found = std::find_if(table_.begin(), table_.end(),
                                  [&](const auto& s) { return s && s->node.name == name; });
  return found == table_.end() ? kNone : static_cast<SegmentIndex>(found - table_.begin());
}

SegmentIndex Segments::find_session(SessionId session) const {
  const auto found = std::find_if(table_.begin(), table_.end(),
                                  [&](const auto& s) { return s && s->node.session == session; });
  return found == table_.end() ? kNone : static_cast<SegmentIndex>(found - table_.begin());
}

bool Segments::any_alive() const {
  return std::any_of(table_.begin(), table_.end(), [](const auto& s) { return s && s->alive(); });
}

bool Segments::any_limbo() const {
  return std::any_of(table_.begin(), table_.end(),
                     [](const auto& s) { return s && s->alive() && s->limbo_units > 0; });
}

SegmentIndex Segments::add(Segment segment) {
  const auto free = std::find_if(table_.begin(), table_.end(), [](const auto& s) { return !s; });
  const auto index = static_cast<SegmentIndex>(free - table_.begin());
  if (free == table_.end()) {
    table_.emplace_back();
  }
  table_[index] = std::move(segment);
  if (!table_[index]->recovering) {
    ask_for(*table_[index], kGrantLowUnits, kGrantStepSlots);
  }
  return index;
}

namespace {

// The units of runs that lie within what is granted; nothing when they do not.
std::optional<std::uint64_t> units_within(const Segment& segment,
                                          std::span<const protocol::Run> runs) {
  std::uint64_t units = 0;
  for (const protocol::Run& run : runs) {
    if (run.units == 0 || run.units >= std::uint32_t{1} << 31 ||
        std::uint64_t{run.first_unit} + run.units > segment.granted_units) {
      return std::nullopt;
    }
    units += run.units;
  }
  return units;
}

Extents extents_of(std::span<const protocol::Run> runs) {
  Extents extents;
  for (const protocol::Run& run : runs) {
    extents.push_back({run.first_unit, run.units});
  }
  return extents;
}

}  // namespace

std::optional<PlacedReplica> Segments::take_from_limbo(SegmentIndex index,
                                                       const protocol::RecoveredObject& object) {
  Segment& segment = *table_[index];
  const std::span<const protocol::Run> runs(object.extents.data(), object.extents.size());
  const auto units = units_within(segment, runs);
  if (!units || runs.empty() || runs.size() > pool::kExtentsMax || *units > segment.limbo_units ||
      object.slot >= segment.granted_slots || segment.retiring.contains(object.slot) ||
      directory_.is_taken(index, object.slot)) {
    return std::nullopt;
  }
  segment.limbo_units -= *units;
  segment.used_units += *units;
  return PlacedReplica{index, object.slot, object.generation, extents_of(runs)};
}

void Segments::adopt_limbo(SegmentIndex index, const protocol::RecoveredLimbo& limbo) {
  Segment& segment = *table_[index];
  const std::span<const protocol::Run> runs(limbo.extents.data(), limbo.extents.size());
  if (!units_within(segment, runs) || runs.size() > pool::kExtentsMax ||
      limbo.slot >= segment.granted_slots || directory_.is_taken(index, limbo.slot)) {
    return;
  }
  segment.retiring.try_emplace(limbo.slot,
                               Retiring{limbo.generation, extents_of(runs), true, {}, {}});
}

void Segments::adopt_slot(SegmentIndex index, const protocol::RecoveredSlot& slot) {
  Segment& segment = *table_[index];
  if (slot.slot < segment.granted_slots && !segment.retiring.contains(slot.slot) &&
      !directory_.is_taken(index, slot.slot)) {
    segment.space.add_slot({slot.slot, slot.generation});
  }
}

void Segments::adopt_free(SegmentIndex index, std::span<const protocol::Run> runs) {
  Segment& segment = *table_[index];
  const auto units = units_within(segment, runs);
  if (!units || *units > segment.limbo_units) {
    return;
  }
  segment.limbo_units -= *units;
  for (const protocol::Run& run : runs) {
    segment.space.add_units({run.first_unit, run.units});
  }
}

std::vector<RemoveId> Segments::drop(SegmentIndex index) {
  directory_.drop_segment(index);
  std::vector<RemoveId> done;
  for (auto& [slot, retiring] : table_[index]->retiring) {
    done.insert(done.end(), retiring.waiting.begin(), retiring.waiting.end());
    confirmed(index, slot, retiring.hash);
  }
  table_[index].reset();
  return done;
}

// Suspects only where there is nothing else; the preferred one, then those whose turn it is, then
// those with the largest free share.
bool Segments::Candidate::is_worse_than(const Candidate& other) const {
  if (suspect != other.suspect) {
    return suspect;
  }
  if (preferred != other.preferred) {
    return other.preferred;
  }
  return has_had_enough != other.has_had_enough ? has_had_enough : free_share < other.free_share;
}

// Alive segments that could ever hold the object.
const std::vector<Segments::Candidate>& Segments::candidates(std::uint32_t units,
                                                             std::string_view preferred) {
  candidates_.clear();
  for_each([&](SegmentIndex index, Segment& segment) {
    if (segment.alive() && segment.units_max >= units && !segment.recovering && !segment.draining) {
      const std::uint64_t free =
          segment.space.free_units() + segment.units_max - segment.granted_units;
      candidates_.push_back({index, segment.node.suspect, segment.node.name == preferred,
                             segment.credit < 0,
                             static_cast<double>(free) / static_cast<double>(segment.units_max)});
    }
  });
  return candidates_;
}

bool Segments::place(std::uint32_t units, unsigned replicas, std::string_view preferred,
                     std::vector<PlacedReplica>& placed, std::span<const SegmentIndex> holders) {
  candidates(units, preferred);
  const auto worse = [](const Candidate& a, const Candidate& b) { return a.is_worse_than(b); };
  std::make_heap(candidates_.begin(), candidates_.end(), worse);  // few of many are wanted
  const auto shares_fate = [&](const std::string& zone) {
    const auto is_same = [&](SegmentIndex other) { return table_[other]->node.zone == zone; };
    return !zone.empty() && (std::any_of(holders.begin(), holders.end(), is_same) ||
                             std::any_of(placed.begin(), placed.end(), [&](const auto& replica) {
                               return is_same(replica.segment);
                             }));
  };
  const auto take = [&](SegmentIndex index) {
    auto placement = table_[index]->space.take(units);
    if (placement) {
      placed.push_back({index, placement->slot.index, placement->slot.generation,
                        std::move(placement->extents)});
    }
    return placed.size() == replicas;
  };
  std::vector<SegmentIndex> of_taken_zones;  // a last resort
  bool done = false;
  for (auto end = candidates_.end(); end != candidates_.begin() && !done; --end) {
    std::pop_heap(candidates_.begin(), end, worse);
    const SegmentIndex index = std::prev(end)->index;
    if (std::find(holders.begin(), holders.end(), index) != holders.end()) {
      continue;
    }
    if (shares_fate(table_[index]->node.zone)) {
      of_taken_zones.push_back(index);
    } else {
      done = take(index);
    }
  }
  for (const SegmentIndex index : of_taken_zones) {
    done = done || take(index);
  }
  if (!done) {
    give_back(placed);
    return false;
  }
  for (const PlacedReplica& replica : placed) {
    table_[replica.segment]->used_units += units;
  }
  spread(units, placed);
  return true;
}

// However much room a node has, as one that has just joined, it takes no more than its turn: twice
// its share of the pool, or half of what is beyond its share. `candidates_` are those who had a
// chance.
void Segments::spread(std::uint32_t units, std::span<const PlacedReplica> placed) {
  const std::int64_t credit_max = std::int64_t{8} * units;  // what was long ago does not count
  if (candidates_.size() < 2) {
    return;
  }
  double all = 0;
  for (const Candidate& candidate : candidates_) {
    all += table_[candidate.index]->units_max;
  }
  const auto taken = static_cast<double>(units) * static_cast<double>(placed.size());
  for (const Candidate& candidate : candidates_) {
    Segment& segment = *table_[candidate.index];
    const double share = segment.units_max / all;
    const double turn = std::min(2 * share, (1 + share) / 2);
    segment.credit = std::min(segment.credit + static_cast<std::int64_t>(turn * taken), credit_max);
  }
  for (const PlacedReplica& replica : placed) {
    Segment& segment = *table_[replica.segment];
    segment.credit = std::max(segment.credit - static_cast<std::int64_t>(units), -credit_max);
  }
}

bool Segments::make_room_beside(std::uint32_t units, std::span<const SegmentIndex> holders,
                                std::uint64_t worth) {
  std::vector<SegmentIndex> indexes;
  for (const Candidate& candidate : candidates(units, {})) {
    if (std::find(holders.begin(), holders.end(), candidate.index) == holders.end()) {
      indexes.push_back(candidate.index);
    }
  }
  const auto loss = [&](SegmentIndex index) {
    return table_[index]->can_grow()        ? 0
           : policy_.victim(index) == kNone ? UINT64_MAX
                                            : policy_.loss(index);
  };
  const auto best =
      std::min_element(indexes.begin(), indexes.end(),
                       [&](SegmentIndex a, SegmentIndex b) { return loss(a) < loss(b); });
  return best != indexes.end() && loss(*best) < worth && make_room_in(*best, units);
}

void Segments::give_back(std::vector<PlacedReplica>& placed) {
  for (const PlacedReplica& replica : placed) {
    for (const pool::Extent& extent : replica.extents.all()) {
      table_[replica.segment]->space.add_units(extent);
    }
    table_[replica.segment]->space.add_slot({replica.slot, replica.generation});
  }
  placed.clear();
}

bool Segments::make_room(std::uint32_t units, unsigned replicas) {
  std::vector<SegmentIndex> indexes;
  for (const Candidate& candidate : candidates(units, {})) {
    indexes.push_back(candidate.index);
  }
  if (indexes.size() < replicas) {
    // It is nodes that are missing, not room: some may be about to come.
    return std::any_of(table_.begin(), table_.end(), [](const auto& segment) {
      return segment && (segment->recovering || (!segment->alive() && !segment->node.lost));
    });
  }
  // Where least is lost, room costs least.
  const auto loss = [&](SegmentIndex index) {
    return table_[index]->can_grow()        ? 0
           : policy_.victim(index) == kNone ? UINT64_MAX
                                            : policy_.loss(index);
  };
  std::sort(indexes.begin(), indexes.end(),
            [&](SegmentIndex a, SegmentIndex b) { return loss(a) < loss(b); });
  unsigned hopeful = 0;
  for (const SegmentIndex index : indexes) {
    if (hopeful < replicas) {
      hopeful += make_room_in(index, units) ? 1 : 0;
    }
  }
  return hopeful >= replicas;
}

bool Segments::make_room_in(SegmentIndex index, std::uint32_t units) {
  Segment& segment = *table_[index];
  const bool has_slot = segment.space.free_slots() > 0;
  // More memory mends not only what is too little, but also what is cut into too many runs or does
  // not begin where it should: nothing is evicted while there is some that nobody has used yet.
  const bool grows = segment.can_grow() && (has_slot || segment.space.free_units() < units);
  const bool grows_slots = !has_slot && segment.granted_slots < segment.slots_max;
  if (grows || grows_slots) {
    ask_for(segment, grows ? units + kGrantLowUnits : 0, grows_slots ? kGrantStepSlots : 0);
    return true;
  }
  if (auto placement = segment.space.take(units)) {
    // There is room here; it is another node that has none.
    for (const pool::Extent& extent : placement->extents.all()) {
      segment.space.add_units(extent);
    }
    segment.space.add_slot(placement->slot);
    return true;
  }
  while (segment.space.free_units() + segment.retiring_units < units &&
         policy_.victim(index) != kNone) {
    evict_one(index);
  }
  // Enough in all, but cut into too many runs, or no slot: one more goes at a time.
  if (segment.retiring_units == 0 && policy_.victim(index) != kNone) {
    evict_one(index);
  }
  const bool is_growing =
      segment.asked_units > segment.granted_units || segment.asked_slots > segment.granted_slots;
  return segment.retiring_units > 0 || is_growing;
}

void Segments::evict_one(SegmentIndex index) {
  ++evictions_;
  PlacedReplica victim = directory_.drop_replica(policy_.victim(index));
  if (on_evicted_) {
    on_evicted_(table_[index]->id, victim.slot, victim.generation);
  }
  reclaim(std::move(victim));
}

void Segments::keep_reserve() {
  for_each([&](SegmentIndex index, Segment& segment) {
    if (!segment.alive() || segment.recovering || segment.draining) {
      return;
    }
    if (segment.can_grow() && segment.space.free_units() < kGrantLowUnits) {
      ask_for(segment, kGrantStepUnits, 0);
    }
    if (segment.granted_slots < segment.slots_max &&
        segment.space.free_slots() < kGrantStepSlots / 2) {
      ask_for(segment, 0, kGrantStepSlots);
    }
    // Begun below the low mark, it goes on to the high one.
    const std::uint64_t coming = segment.space.free_units() + segment.retiring_units;
    const bool begin = !segment.can_grow() &&
                       coming < reserve_units(segment, reserve_.low_bytes, reserve_.low_share);
    const std::uint64_t wanted =
        begin ? reserve_units(segment, reserve_.high_bytes, reserve_.high_share) : 0;
    const auto short_of_units = [&] {
      return segment.space.free_units() + segment.retiring_units < wanted;
    };
    const auto short_of_slots = [&] {
      return segment.granted_slots == segment.slots_max &&
             segment.space.free_slots() + segment.retiring.size() < kReserveSlots;
    };
    // Ahead of need nobody loses what was put or used last.
    while ((short_of_units() || short_of_slots()) && policy_.count(index) > 1) {
      evict_one(index);
    }
  });
}

// What a node keeps free of `bytes`, a small one in proportion.
std::uint64_t Segments::reserve_units(const Segment& segment, std::uint64_t bytes, double share) {
  const double units = share * static_cast<double>(segment.capacity_units);
  return std::min(static_cast<std::uint64_t>(units), bytes / pool::kUnitBytes);
}

void Segments::ask_for(Segment& segment, std::uint64_t units, std::uint64_t slots) {
  if (segment.asked_units <= segment.granted_units && units != 0) {
    segment.asked_units = static_cast<std::uint32_t>(
        std::min<std::uint64_t>(segment.granted_units + units, segment.units_max));
  }
  if (segment.asked_slots <= segment.granted_slots && slots != 0) {
    segment.asked_slots = static_cast<std::uint32_t>(
        std::min<std::uint64_t>(segment.granted_slots + slots, segment.slots_max));
  }
}

std::optional<protocol::GrantMore> Segments::take_grant_request(SegmentIndex index,
                                                                std::uint64_t epoch) {
  Segment& segment = *table_[index];
  const bool wanted =
      segment.asked_units > segment.granted_units || segment.asked_slots > segment.granted_slots;
  const bool told =
      segment.told_units == segment.asked_units && segment.told_slots == segment.asked_slots;
  if (!wanted || told) {
    return std::nullopt;
  }
  segment.told_units = segment.asked_units;
  segment.told_slots = segment.asked_slots;
  return protocol::GrantMore{segment.id, epoch, segment.asked_units, segment.asked_slots};
}

void Segments::granted(SegmentIndex index, const protocol::Granted& message) {
  Segment& segment = *table_[index];
  if (message.units_max < segment.units_max) {
    segment.units_max = message.units_max;
    segment.capacity_units = message.units_max;
  }
  if (message.units > segment.granted_units && message.units <= segment.units_max) {
    segment.space.add_units({segment.granted_units, message.units - segment.granted_units});
    segment.granted_units = message.units;
  }
  // Generations of slots that are known already are skipped: a repeat after a lost connection.
  for (std::size_t i = 0; i < message.generations.size(); ++i) {
    const std::uint64_t slot = message.first_slot + i;
    if (slot == segment.granted_slots && slot < segment.slots_max) {
      segment.space.add_slot({static_cast<std::uint32_t>(slot), message.generations[i]});
      ++segment.granted_slots;
    }
  }
}

void Segments::reclaim(PlacedReplica replica, RemoveId waiting) {
  Segment& segment = *table_[replica.segment];
  segment.retiring_units += replica.extents.units();
  segment.to_reclaim.push_back({replica.slot, replica.generation});
  Retiring retiring{replica.generation, std::move(replica.extents), false, replica.hash, {}};
  if (replica.hash != base::Hash128{}) {
    leaving_.emplace(replica.hash, Leaving{replica.segment, replica.slot});
  }
  if (waiting != 0) {
    retiring.waiting.push_back(waiting);
  }
  AQ_CHECK(segment.retiring.emplace(replica.slot, std::move(retiring)).second);
}

bool Segments::wait_for(SegmentIndex index, std::uint32_t slot, std::uint64_t generation,
                        RemoveId waiting) {
  Segment* segment = get(index);
  if (segment == nullptr) {
    return false;
  }
  const auto found = segment->retiring.find(slot);
  // In limbo nobody can seal it any more.
  if (found == segment->retiring.end() || found->second.generation != generation ||
      found->second.limbo) {
    return false;
  }
  found->second.waiting.push_back(waiting);
  return true;
}

std::uint32_t Segments::wait_for_leaving(const base::Hash128& hash, RemoveId waiting) {
  std::uint32_t owing = 0;
  const auto [first, last] = leaving_.equal_range(hash);
  for (auto at = first; at != last; ++at) {
    Retiring& retiring = table_[at->second.segment]->retiring.at(at->second.slot);
    retiring.waiting.push_back(waiting);
    ++owing;
  }
  return owing;
}

void Segments::confirmed(SegmentIndex index, std::uint32_t slot, const base::Hash128& hash) {
  const auto [first, last] = leaving_.equal_range(hash);
  const auto found = std::find_if(first, last, [&](const auto& entry) {
    return entry.second == Leaving{index, slot};
  });
  if (found != last) {
    leaving_.erase(found);
  }
}

std::vector<RemoveId> Segments::reclaimed(SegmentIndex index, const protocol::Reclaimed& message,
                                          bool reuse_limbo) {
  Segment& segment = *table_[index];
  std::vector<RemoveId> done;
  for (const protocol::ReclaimedItem& item : message.items) {
    const auto found = segment.retiring.find(item.slot);
    if (found == segment.retiring.end() || found->second.generation != item.generation) {
      continue;  // a repeat
    }
    Retiring& retiring = found->second;
    done.insert(done.end(), retiring.waiting.begin(), retiring.waiting.end());
    retiring.waiting.clear();
    confirmed(index, item.slot, retiring.hash);
    const std::uint64_t units = retiring.extents.units();
    if (item.next_generation == 0 && !retiring.limbo) {
      retiring.limbo = true;
      segment.retiring_units -= units;
      segment.used_units -= units;
      segment.limbo_units += units;
    }
    if (item.next_generation == 0 && !reuse_limbo) {
      continue;
    }
    (retiring.limbo ? segment.limbo_units : segment.retiring_units) -= units;
    segment.used_units -= retiring.limbo ? 0 : units;
    for (const pool::Extent& extent : retiring.extents.all()) {
      segment.space.add_units(extent);
    }
    retiring.extents.clear();
    if (item.next_generation != 0) {
      segment.space.add_slot({item.slot, item.next_generation});
      segment.retiring.erase(found);
    }
  }
  return done;
}

void Segments::repeat_reclaims(SegmentIndex index) {
  Segment& segment = *table_[index];
  segment.to_reclaim.clear();
  for (const auto& [slot, retiring] : segment.retiring) {
    segment.to_reclaim.push_back({slot, retiring.generation});
  }
  segment.told_units = 0;
  segment.told_slots = 0;
}

std::optional<protocol::Reclaim> Segments::take_reclaims(SegmentIndex index, std::uint64_t epoch) {
  Segment& segment = *table_[index];
  if (segment.to_reclaim.empty()) {
    return std::nullopt;
  }
  constexpr std::size_t kItemsMax = 1u << 16;
  auto& all = segment.to_reclaim;
  const std::size_t count = std::min(all.size(), kItemsMax);
  protocol::Reclaim message{segment.id, epoch, {all.begin(), all.begin() + count}};
  all.erase(all.begin(), all.begin() + count);
  return message;
}

}  // namespace aquifer::meta
