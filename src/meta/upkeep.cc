// Brings what is in the pool to what should be: as many replicas of an object as its put asked for
// (more while it is hot), on nodes that stay. One walk over the directory does all of it: it
// repairs after a loss, empties a node that is drained, and takes back what is too much. Copies are
// made by the nodes themselves, at a bounded rate.
#include <algorithm>

#include "base/small_vector.h"
#include "base/strings.h"
#include "meta/state_machine.h"

namespace aquifer::meta {

using protocol::Method;

namespace {

constexpr std::size_t kCopiesMax = 16;
constexpr Time kCopyTime{25'000};
constexpr std::size_t kStep = 4096;  // records looked at in one tick
constexpr Time kPause{100};          // between two walks
constexpr std::size_t kDrainedMax = 1024;

}  // namespace

void StateMachine::walk_again() {
  walk_.active = true;
  walk_.again = true;
  walk_.is_unsure = true;
}

void StateMachine::upkeep(Time now) {
  hot_.tick(now, [&](const base::Hash128& hash) {
    if (const ObjectIndex object = directory_.find(hash); object != kNone) {
      look_after(object, now);
    }
  });
  expire_copies(now);
  finish_drains();
  const Time passed = now - std::exchange(walk_.last, now);
  const auto rate = static_cast<std::int64_t>(options_.copy_bytes_per_second);
  walk_.tokens = std::min<std::int64_t>(
      walk_.tokens + rate * std::clamp<std::int64_t>(passed.count(), 0, 1000) / 1000, rate / 4 + 1);
  if (!walk_.active || now < walk_.not_before) {
    return;
  }
  for (std::size_t budget = kStep; budget > 0 && walk_.next < directory_.records(); --budget) {
    if (copies_.size() >= kCopiesMax || walk_.tokens <= 0) {
      return;  // goes on when there is room again
    }
    const ReplicaIndex at = walk_.next++;
    if (directory_.is_object(at)) {
      walk_.missing += is_short(at) ? 1 : 0;
      walk_.has_work = look_after(at, now) || walk_.has_work;
    }
  }
  if (walk_.next < directory_.records()) {
    return;
  }
  walk_.next = 0;
  walk_.active = walk_.has_work || walk_.again;
  walk_.is_unsure = walk_.again;
  walk_.found_missing = std::exchange(walk_.missing, 0);
  walk_.has_work = walk_.again = false;
  walk_.not_before = now + kPause;
}

// True for an object with fewer replicas, on nodes that are not lost, than its put asked for.
bool StateMachine::is_short(ObjectIndex object) {
  unsigned replicas = 0;
  for (ReplicaIndex at = object; at != kNone; at = directory_.replica(at).next) {
    replicas += segments_.get(directory_.replica(at).segment)->node.lost ? 0 : 1;
  }
  return replicas < directory_.replica(object).wanted();
}

// True when something is still to be done for the object.
bool StateMachine::look_after(ObjectIndex object, Time now) {
  base::SmallVector<ReplicaIndex, 2> staying;
  base::SmallVector<ReplicaIndex, 2> leaving;
  for (ReplicaIndex at = object; at != kNone; at = directory_.replica(at).next) {
    const Segment& segment = *segments_.get(directory_.replica(at).segment);
    if (segment.draining && segment.alive()) {
      leaving.push_back(at);
    } else if (!segment.node.lost && !segment.draining) {
      staying.push_back(at);
    }
  }
  const ReplicaRecord& record = directory_.replica(object);
  const std::size_t wanted =
      std::min<std::size_t>(record.wanted() + hot_.extra(record.hash), Limits::kReplicas);
  if (staying.size() < wanted && staying.size() + leaving.size() > 0) {
    if (copy(object, now)) {
      return true;
    }
    if (staying.empty()) {
      ++segments_.get(directory_.replica(leaving[0]).segment)->drain.given_up;
    }
  }
  // What leaves has done its part; of what stays, the fullest nodes give back what is too much.
  for (const ReplicaIndex replica : leaving) {
    drop_one(replica);
  }
  std::sort(staying.begin(), staying.end(), [&](ReplicaIndex a, ReplicaIndex b) {
    const auto share = [&](ReplicaIndex at) {
      const Segment& segment = *segments_.get(directory_.replica(at).segment);
      return static_cast<double>(segment.free_units()) / static_cast<double>(segment.units_max);
    };
    return share(a) > share(b);
  });
  for (; staying.size() > wanted; staying.pop_back()) {
    drop_one(staying.back());
  }
  return false;
}

void StateMachine::drop_one(ReplicaIndex replica) {
  const ReplicaRecord& record = directory_.replica(replica);
  if (record.pinned) {
    segments_.get(record.segment)->pinned_units -= record.extents.units();
  }
  segments_.reclaim(directory_.drop_replica(replica));
}

// Orders another replica, or makes room for one; false when neither can be done.
bool StateMachine::copy(ObjectIndex object, Time now) {
  const base::PutId put = directory_.put_of(object);
  if (copying_.contains(put)) {
    return true;
  }
  const ReplicaRecord& record = directory_.replica(object);
  ReplicaIndex source = kNone;
  std::vector<SegmentIndex> holders;
  for (ReplicaIndex at = object; at != kNone; at = directory_.replica(at).next) {
    const Segment& segment = *segments_.get(directory_.replica(at).segment);
    holders.push_back(directory_.replica(at).segment);
    if (segment.alive() && (source == kNone || segment.draining)) {
      source = at;  // one that is to leave does the work, where there is one
    }
  }
  if (source == kNone || holders.size() >= Limits::kReplicas) {
    return false;
  }
  const ReplicaRecord& from = directory_.replica(source);
  const auto units = static_cast<std::uint32_t>(from.extents.units());
  std::vector<PlacedReplica> placed;
  if (!segments_.place(units, 1, {}, placed, holders)) {
    const std::uint64_t worth = record.pinned ? UINT64_MAX : policy_.worth(source);
    return segments_.make_room_beside(units, holders, worth);
  }
  PlacedReplica& to = placed.front();
  to.hash = record.hash;
  const Segment& target = *segments_.get(to.segment);
  const Segment& holder = *segments_.get(from.segment);
  protocol::Copy order{target.id,
                       epoch_,
                       to.slot,
                       to.generation,
                       {},
                       put,
                       from.value_bytes,
                       static_cast<std::uint16_t>(from.wanted()),
                       holder.node.address,
                       holder.id,
                       from.slot,
                       from.generation,
                       from.header_digest};
  for (const pool::Extent& extent : to.extents.all()) {
    order.extents.push_back({extent.first_unit, extent.units});
  }
  send(target.node.session, Method::kCopy, order);
  walk_.tokens -= static_cast<std::int64_t>(from.value_bytes);
  copying_.insert(put);
  const auto key = std::pair{to.segment, to.slot};
  copies_.emplace(key,
                  CopyJob{put, std::move(to), from.segment, target.node.session, now + kCopyTime});
  return true;
}

void StateMachine::copied(SegmentIndex index, const protocol::Copied& message, Time now) {
  const auto found = copies_.find({index, message.slot});
  if (found == copies_.end() || found->second.replica.generation != message.generation) {
    return;  // given up before
  }
  CopyJob job = std::move(found->second);
  copies_.erase(found);
  copying_.erase(job.put);
  const ObjectIndex object = directory_.find_put(job.put);
  if (message.status != Status::kOk || object == kNone) {
    return segments_.reclaim(std::move(job.replica));
  }
  if (Segment* const source = segments_.get(job.source); source != nullptr && source->draining) {
    ++source->drain.moved;
  }
  add_another(object, std::move(job.replica), message.header_digest, now);
}

// One more replica of what is in the directory, or back with it where there is none to be added.
void StateMachine::add_another(ObjectIndex object, PlacedReplica replica,
                               std::uint64_t header_digest, Time now) {
  unsigned replicas = 0;
  bool is_here = false;
  for (ReplicaIndex at = object; at != kNone; at = directory_.replica(at).next) {
    ++replicas;
    is_here = is_here || directory_.replica(at).segment == replica.segment;
  }
  if (is_here || replicas == Limits::kReplicas) {
    return segments_.reclaim(std::move(replica));
  }
  if (directory_.replica(object).pinned) {
    segments_.get(replica.segment)->pinned_units += replica.extents.units();
  }
  directory_.add_replica(object, std::move(replica), header_digest, {}, now);
}

void StateMachine::expire_copies(Time now) {
  for (auto at = copies_.begin(); at != copies_.end();) {
    CopyJob& job = at->second;
    // An order whose node has gone may never have come there.
    if (now < job.deadline && segments_.get(at->first.first)->node.session == job.session) {
      ++at;
      continue;
    }
    copying_.erase(job.put);
    segments_.reclaim(std::move(job.replica));
    at = copies_.erase(at);
  }
}

// The object goes, and what is being copied of it; the number of slots that somebody waits for.
std::uint32_t StateMachine::cancel_copies(const base::PutId& put, RemoveId waiting) {
  if (copying_.erase(put) == 0) {
    return 0;
  }
  const auto found = std::find_if(copies_.begin(), copies_.end(),
                                  [&](const auto& entry) { return entry.second.put == put; });
  segments_.reclaim(std::move(found->second.replica), waiting);
  copies_.erase(found);
  return 1;
}

void StateMachine::drain(SessionId session, std::uint64_t request, const protocol::Drain& message) {
  const SegmentIndex index = segments_.find_name(message.node);
  if (index == kNone) {
    const auto gone = drained_.find(std::string(message.node));
    if (gone != drained_.end()) {
      return reply(session, Method::kDrain, request, gone->second);
    }
    return refuse(session, Method::kDrain, request, Status::kNotFound,
                  base::cat("no node is named \"", message.node, "\""),
                  "aquifer status lists the nodes");
  }
  Segment& segment = *segments_.get(index);
  if (segment.draining == message.cancel) {
    segment.draining = !message.cancel;
    segment.drain = {};
    walk_again();
  }
  reply(session, Method::kDrain, request, drain_state(index));
}

protocol::DrainState StateMachine::drain_state(SegmentIndex index) {
  const Segment& segment = *segments_.get(index);
  return {false, policy_.count(index),
          (segment.used_units + segment.limbo_units) * pool::kUnitBytes, segment.drain.moved,
          segment.drain.given_up};
}

// A node that is drained, and proves to be empty, is told to leave.
void StateMachine::finish_drains() {
  segments_.for_each([&](SegmentIndex index, Segment& segment) {
    const bool receives = std::any_of(copies_.begin(), copies_.end(), [&](const auto& entry) {
      return entry.first.first == index;
    });
    if (!segment.draining || !segment.alive() || segment.told_to_leave || receives ||
        segment.used_units != 0 || segment.limbo_units != 0 || !segment.retiring.empty()) {
      return;
    }
    segment.told_to_leave = true;
    if (drained_.size() >= kDrainedMax) {
      drained_.clear();
    }
    protocol::DrainState state = drain_state(index);
    state.gone = true;
    drained_[segment.node.name] = state;
    send(segment.node.session, Method::kLeave, protocol::Empty{});
  });
}

}  // namespace aquifer::meta
