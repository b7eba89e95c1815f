// Look-ups, removal and what clients report afterwards.
#include "base/check.h"
#include "base/strings.h"
#include "meta/state_machine.h"

namespace aquifer::meta {

using protocol::Method;

namespace {

protocol::Replica wire_replica(const Segment& segment, const ReplicaRecord& replica) {
  protocol::Replica out{segment.node.id,       segment.id, replica.slot, replica.generation,
                        replica.header_digest, {}};
  for (const pool::Extent& extent : replica.extents) {
    out.extents.push_back({extent.first_unit, extent.units});
  }
  return out;
}

}  // namespace

protocol::Handle StateMachine::handle_of(ObjectIndex object) {
  const ObjectRecord& record = directory_.object(object);
  protocol::Handle handle{Status::kOk, record.put, record.value_bytes, {}};
  for (const bool suspect : {false, true}) {  // a node that may hang comes last
    for (ReplicaIndex at = record.first_replica; at != kNone; at = directory_.replica(at).next) {
      const ReplicaRecord& replica = directory_.replica(at);
      const Segment& segment = *segments_.get(replica.segment);
      if (segment.alive() && segment.node.suspect == suspect) {
        handle.replicas.push_back(wire_replica(segment, replica));
      }
    }
  }
  if (handle.replicas.empty()) {
    handle.status = Status::kUnreachable;
  }
  return handle;
}

void StateMachine::refuse_batch(SessionId session, Method method, std::uint64_t request) {
  refuse(session, method, request, Status::kTooLarge,
         base::cat("a batch holds at most ", Limits::kBatchKeys, " keys"), "split the batch");
}

void StateMachine::lookup(SessionId session, std::uint64_t request, const protocol::Lookup& lookup,
                          Time now) {
  if (lookup.keys.size() > Limits::kBatchKeys) {
    return refuse_batch(session, Method::kLookup, request);
  }
  protocol::Handles handles;
  handles.items.reserve(lookup.keys.size());
  for (const std::string_view key : lookup.keys) {
    const ObjectIndex object = directory_.find(hasher_(lookup.name_space, key));
    if (object == kNone) {
      handles.items.emplace_back();
      continue;
    }
    if (lookup.use) {
      directory_.touch(object, now);
    }
    handles.items.push_back(handle_of(object));
  }
  reply(session, Method::kLookup, request, handles);
}

void StateMachine::match_prefix(SessionId session, std::uint64_t request,
                                const protocol::MatchPrefix& match) {
  if (match.keys.size() > Limits::kBatchKeys) {
    return refuse_batch(session, Method::kMatchPrefix, request);
  }
  protocol::Handles handles;
  for (const std::string_view key : match.keys) {
    const ObjectIndex object = directory_.find(hasher_(match.name_space, key));
    if (object == kNone) {
      break;
    }
    handles.items.push_back(handle_of(object));
    if (handles.items.back().status != Status::kOk) {
      handles.items.pop_back();
      break;
    }
  }
  reply(session, Method::kMatchPrefix, request, handles);
}

void StateMachine::remove(SessionId session, std::uint64_t request, const protocol::Remove& remove,
                          Time now) {
  if (remove.keys.size() > Limits::kBatchKeys) {
    return refuse_batch(session, Method::kRemove, request);
  }
  AQ_CHECK(!options_.fault_failed_check);
  const RemoveId id = ++next_remove_;
  WaitingRemove waiting{session, Method::kRemove, request, now + Time(remove.timeout_ms), {}, {},
                        0};
  for (std::size_t i = 0; i < remove.keys.size(); ++i) {
    std::uint32_t owing = 0;
    // The low bits of what the segments are given name the key within the request.
    waiting.statuses.push_back(
        remove_key(hasher_(remove.name_space, remove.keys[i]), id << 16 | i, owing));
    waiting.owing.push_back(owing);
    waiting.owing_in_all += owing;
  }
  answer_when_gone(id, std::move(waiting));
}

void StateMachine::answer_when_gone(RemoveId id, WaitingRemove waiting) {
  if (waiting.owing_in_all == 0) {
    return reply(waiting.session, waiting.method, waiting.request,
                 protocol::Statuses{std::move(waiting.statuses)});
  }
  waiting_removes_.emplace(id, std::move(waiting));
}

// Takes the object and every open put of the key out. `owing` counts the slots whose nodes have yet
// to confirm.
Status StateMachine::remove_key(const base::Hash128& hash, RemoveId id, std::uint32_t& owing) {
  Status status = Status::kNotFound;
  const auto [first, last] = open_by_hash_.equal_range(hash);
  for (auto at = first; at != last; ++at) {
    cancel(open_puts_.at(at->second), false);
    status = Status::kOk;
  }
  if (const ObjectIndex object = directory_.find(hash); object != kNone) {
    owing += retire(object, id);
    status = Status::kOk;
  }
  return status;
}

// Takes an object out for good; the number of slots whose nodes have yet to confirm.
std::uint32_t StateMachine::retire(ObjectIndex object, RemoveId id) {
  count_pinned(object, false);
  std::uint32_t owing = 0;
  for (DroppedReplica& replica : directory_.drop(object)) {
    segments_.reclaim(replica.segment, replica.slot, replica.generation, std::move(replica.extents),
                      {}, true, id);
    ++owing;
  }
  return owing;
}

void StateMachine::finish_removes(const std::vector<RemoveId>& done) {
  for (const RemoveId key_id : done) {
    const auto found = waiting_removes_.find(key_id >> 16);
    if (found == waiting_removes_.end()) {
      continue;  // answered at its deadline
    }
    WaitingRemove& waiting = found->second;
    --waiting.owing[key_id & 0xffff];
    if (--waiting.owing_in_all == 0) {
      answer_when_gone(0, std::move(waiting));
      waiting_removes_.erase(found);
    }
  }
}

void StateMachine::expire_removes(Time now) {
  for (auto at = waiting_removes_.begin(); at != waiting_removes_.end();) {
    WaitingRemove& waiting = at->second;
    if (waiting.deadline > now) {
      ++at;
      continue;
    }
    for (std::size_t i = 0; i < waiting.statuses.size(); ++i) {
      if (waiting.owing[i] != 0 && waiting.statuses[i] == Status::kOk) {
        waiting.statuses[i] = Status::kPending;
      }
    }
    waiting.owing_in_all = 0;
    answer_when_gone(0, std::move(waiting));
    at = waiting_removes_.erase(at);
  }
}

void StateMachine::report(const protocol::Report& report, Time now) {
  for (const base::PutId& put : report.uses) {
    if (const ObjectIndex object = directory_.find_put(put); object != kNone) {
      directory_.touch(object, now);
    }
  }
  for (const protocol::MovedBytes& moved : report.moved) {
    if (Segment* segment = segments_.get(segments_.find_node(moved.node))) {
      segment->node.read.shm += moved.read;
      segment->node.written.shm += moved.written;
    }
  }
  integrity_failures_ += report.integrity_failures;
  for (const protocol::Suspect& suspect : report.suspects) {
    const SegmentIndex index = segments_.find(suspect.segment);
    const ReplicaIndex replica = directory_.find_slot(index, suspect.slot, suspect.generation);
    if (replica != kNone && segments_.get(index)->alive()) {
      send(segments_.get(index)->node.session, Method::kVerify,
           protocol::Verify{suspect.segment, suspect.slot, suspect.generation,
                            directory_.replica(replica).header_digest});
    }
  }
}

}  // namespace aquifer::meta
