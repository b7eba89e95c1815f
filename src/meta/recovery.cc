// What a meta does that does not know the pool it serves: it takes the epoch above all that nodes
// have seen, learns what lies in their segments from their reports, and hands nothing out there
// before a report is complete. It only ever re-learns: of two puts of a key the later one stays,
// and what was removed meanwhile is taken back when it is reported.
#include <algorithm>

#include "meta/state_machine.h"

namespace aquifer::meta {

using protocol::Method;

namespace {

constexpr std::size_t kCutsMax = 1u << 20;

}  // namespace

// The node has been in a pool before: this meta serves that pool, in an epoch of its own. A fresh
// node that came first, and was told of a new pool, has to be told of the old one.
Status StateMachine::take_over(const protocol::NodeHello& hello, Time now) {
  constexpr Time kNaming{60'000};
  if (!hello.pool) {
    pool_named_ = pool_named_.value_or(now);
  } else if (hello.pool != pool_ && hello.pool != options_.pool) {
    if (pool_ != options_.pool || (pool_named_ && now - *pool_named_ > kNaming)) {
      return Status::kConflict;
    }
    pool_ = hello.pool;
    tell_members_ = true;
  }
  note_earlier(hello.epoch);
  const bool has_list = !hello.members.empty() || !hello.lasting.empty();
  has_heard_pool_ = has_heard_pool_ || hello.pool;
  has_heard_list_ = has_heard_list_ || (has_list && hello.epoch == latest_);
  if (has_heard_past() || !was_restarted_) {
    is_young_ = false;
    has_heard_ = true;
  }
  learn_gone(hello.gone);
  rise_above(hello.epoch);
  if ((hello.members.empty() && hello.lasting.empty()) ||
      protocol::same_meta(hello.epoch, epoch_)) {
    return Status::kOk;
  }
  // Those who were in it are waited for, once; later nobody is missed any more.
  if (!expect_until_) {
    expect_until_ = now + options_.node_grace;
    expects_ = true;
  }
  const auto await = [&](base::NodeId member, Time patience) {
    if (now < *expect_until_ && segments_.find_node(member) == kNone &&
        !forgotten_members_.contains(member)) {
      Time& until = missing_[member];
      until = std::max(until, now + patience);
    }
  };
  for (const base::NodeId member : hello.members) {
    await(member, options_.node_grace);
  }
  for (const base::NodeId member : hello.lasting) {
    await(member, options_.forget_after);
  }
  return Status::kOk;
}

// Somebody knows an earlier meta: there may be nodes with a past, which are waited for. A meta
// takes an epoch above all that it is told of, and tells it with the members anew. So a list under
// one that is not above this one was made without those who know of it, and need not name all.
void StateMachine::note_earlier(std::uint64_t epoch) {
  const auto number = [](std::uint64_t of) { return protocol::epoch_number(of); };
  if (epoch == 0 || protocol::same_meta(epoch, epoch_) ||
      (latest_ != 0 && (epoch == latest_ || number(epoch) < number(latest_)))) {
    return;
  }
  latest_ = epoch;
  if (!has_heard_pool_) {
    has_heard_list_ = false;
    was_restarted_ = true;
    has_heard_ = false;  // a node that came is a new one
    is_young_ = true;
    tell_members_ = true;
  }
}

// Puts that are started from here on are later than all of that epoch.
void StateMachine::rise_above(std::uint64_t epoch) {
  constexpr std::uint64_t kNumberMax = 1u << 23;  // further than any pool comes
  if (!protocol::same_meta(epoch, epoch_) && protocol::epoch_number(epoch) < kNumberMax &&
      protocol::epoch_number(epoch) >= protocol::epoch_number(epoch_)) {
    epoch_ = protocol::make_epoch(protocol::epoch_number(epoch) + 1, options_.process);
    open_puts_.raise(epoch_);
    tell_members_ = true;
  }
}

// A name of its own is told to nodes only when those have had time to come that have one.
base::PoolId StateMachine::pool_to_tell() const {
  return names_pool_ || pool_ != options_.pool ? pool_ : base::PoolId{};
}

// An earlier meta has given these up. Some of them may have come before who knew it.
void StateMachine::learn_gone(std::span<const base::SegmentId> gone) {
  // No node of ours tells of more.
  for (const base::SegmentId segment : gone.first(std::min(gone.size(), pool::kGoneMax))) {
    if (gone_.contains(segment)) {
      continue;
    }
    give_up(segment);
    if (const SegmentIndex index = segments_.find(segment); index != kNone) {
      if (const SessionId session = segments_.get(index)->node.session; session != 0) {
        outbox_.close(session);  // it connects again, and is told
      }
      drop_segment(index);
    }
  }
}

// What lies there is not to come back: the next meta is to know it, too.
void StateMachine::give_up(base::SegmentId segment) {
  if (gone_.insert(segment).second) {
    told_gone_.push_back(segment);
    if (told_gone_.size() > pool::kGoneMax) {
      told_gone_.pop_front();
    }
    tell_members_ = true;
  }
}

bool StateMachine::all_is_reported() const {
  return has_heard_ && recovering_ == 0 && missing_.empty();
}

// True when all that was ever acknowledged is in the directory, or never will be.
bool StateMachine::is_whole() const { return all_is_reported() && held_owing_ == 0; }

// Before the first node has said hello nobody can tell an empty pool from one that is coming back.
bool StateMachine::recovering() const {
  // A node that is lost in the middle of its report is not waited for.
  bool reports = false;
  if (recovering_ != 0) {
    segments_.for_each([&](SegmentIndex, const Segment& segment) {
      reports = reports || (segment.recovering && !segment.node.lost);
    });
  }
  return is_young_ || reports || (expects_ && (!missing_.empty() || held_owing_ != 0));
}

void StateMachine::end_expectations(Time now, bool was_away) {
  constexpr Time kYouth{1500};
  // Time in which meta itself was away does not count: the nodes have yet to be heard.
  started_ = was_away ? now : started_.value_or(now);
  // Where somebody knows an earlier meta, those who were its nodes may be away for a while.
  const Time youth = was_restarted_ && !has_heard_past() ? kYouth + options_.node_grace : kYouth;
  if (now - *started_ >= youth) {
    is_young_ = false;
    tell_members_ = tell_members_ || !std::exchange(names_pool_, true);
    has_heard_ = has_heard_ || segments_.any_alive();
  }
  for (auto at = missing_.begin(); at != missing_.end();) {
    const auto [member, until] = *at;
    if (now < until) {
      ++at;
      continue;
    }
    forgotten_members_.insert(member);
    at = missing_.erase(at);
    tell_members_ = true;
  }
  expects_ = expects_ && now < *expect_until_;
  if (all_is_reported()) {
    take_back_held();
  }
  if (!keeps_cuts()) {
    cuts_.clear();
  }
}

// While nobody has come who names the pool, those who do may still come: where clients and nodes
// are all new, nothing tells a fresh pool from one whose old nodes are slower.
bool StateMachine::keeps_cuts() const { return !is_whole() || (!has_heard_past() && !names_pool_); }

// What is reported of this key from here on, and is not younger, was removed or replaced.
void StateMachine::cut(const base::Hash128& hash, const base::PutId& last) {
  if (!keeps_cuts()) {
    return;
  }
  cuts_[hash] = last;
  if (cuts_.size() >= kCutsMax) {
    // More is not kept for the sake of members that are away: they will start afresh.
    for (const auto& [member, until] : missing_) {
      forgotten_members_.insert(member);
    }
    missing_.clear();
    tell_members_ = true;
  }
}

void StateMachine::begin_recovery(Segment& segment, const protocol::NodeHello& hello) {
  segment.recovering = true;
  ++recovering_;
  segment.granted_units = segment.asked_units = segment.told_units =
      std::min(hello.granted_units, segment.units_max);
  segment.granted_slots = segment.asked_slots = segment.told_slots =
      std::min(hello.granted_slots, segment.slots_max);
  segment.limbo_units = segment.granted_units;
}

void StateMachine::recovered(SegmentIndex index, const protocol::Recovered& report, Time now) {
  Segment& segment = *segments_.get(index);
  if (report.segment != segment.id) {
    return;
  }
  if (segment.recovering && options_.faults.allocates_unreported) {
    const protocol::Run all{0, segment.granted_units};
    segments_.adopt_free(index, {&all, 1});
    segment.recovering = false;
    --recovering_;
  }
  if (segment.recovering || options_.faults.allocates_unreported) {
    // Each object is looked up at a place of its own in tables larger than any cache.
    constexpr std::size_t kAhead = 16;
    for (std::size_t i = 0; i < report.objects.size(); ++i) {
      if (i + kAhead < report.objects.size()) {
        const protocol::RecoveredObject& later = report.objects[i + kAhead];
        directory_.prefetch_add({later.hash_low, later.hash_high}, later.put);
      }
      adopt(index, report.objects[i], now);
    }
    for (const protocol::RecoveredLimbo& limbo : report.limbo) {
      segments_.adopt_limbo(index, limbo);
    }
    for (const protocol::RecoveredSlot& slot : report.free_slots) {
      segments_.adopt_slot(index, slot);
    }
  }
  segments_.adopt_free(index, report.free_runs);
  if (report.end && std::exchange(segment.recovering, false)) {
    --recovering_;
    walk_again();
  }
}

void StateMachine::adopt(SegmentIndex index, const protocol::RecoveredObject& object, Time now) {
  if (object.value_bytes == 0 || object.value_bytes > Limits::kValueBytes || !object.put) {
    return;
  }
  auto taken = segments_.take_from_limbo(index, object);
  if (!taken) {
    return;
  }
  taken->hash = {object.hash_low, object.hash_high};
  if (object.prepared) {
    return hold(object, *std::move(taken));
  }
  adopt(object, *std::move(taken), now);
  if (object.group) {
    publish_held(group_id(object.put, object.group));  // one of it was published: all is
  }
}

void StateMachine::adopt(const protocol::RecoveredObject& object, PlacedReplica replica, Time now) {
  const base::Hash128 hash = replica.hash;
  // What this meta has not started was started before the remove, whatever epoch it says: the own
  // one may have been taken later.
  if (const auto removed = cuts_.find(hash);
      removed != cuts_.end() && !options_.faults.adopts_removed &&
      (!open_puts_.is_ours(object.put) || object.put.sequence <= removed->second.sequence)) {
    return segments_.reclaim(std::move(replica));
  }
  const ObjectIndex before = directory_.find(hash);
  if (before != kNone && directory_.put_of(before) == object.put) {
    return directory_.replica(before).value_bytes == object.value_bytes
               ? add_another(before, std::move(replica), object.header_digest, now)
               : segments_.reclaim(std::move(replica));
  }
  if (before != kNone) {
    // What was committed here came after all that is recovered.
    const base::PutId other = directory_.put_of(before);
    if (open_puts_.is_ours(other) || other > object.put) {
      return segments_.reclaim(std::move(replica));
    }
    retire(before, 0);
  }
  const unsigned wanted = std::clamp<unsigned>(object.replicas, 1, Limits::kReplicas);
  const Directory::NewObject found{hash, object.put, object.value_bytes,
                                   {},   wanted,     bool(object.group)};
  if (directory_.add(found, std::move(replica), object.header_digest, now) == kNone) {
    segments_.reclaim(std::move(replica));
  }
}

// The commit of a put that an earlier meta has started. A group is not done before all its replicas
// are sealed: one that is not would prove nothing to the next meta.
Status StateMachine::finish_earlier(const protocol::PutFinishItemView& item, ObjectIndex object,
                                    bool is_of_group) const {
  if (!item.commit) {
    return Status::kCancelled;
  }
  unsigned replicas = 0;
  for (ReplicaIndex at = object; at != kNone; at = directory_.replica(at).next) {
    ++replicas;
  }
  if (is_of_group && object != kNone && replicas < directory_.replica(object).wanted()) {
    return recovering() ? Status::kRecovering : Status::kUnknown;
  }
  return object != kNone ? Status::kOk : recovering() ? Status::kRecovering : Status::kUnknown;
}

}  // namespace aquifer::meta
