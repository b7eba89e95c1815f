// Look-ups, removal and what clients report afterwards.
#include <algorithm>
#include <array>

#include "base/check.h"
#include "base/strings.h"
#include "meta/state_machine.h"

namespace aquifer::meta {

using protocol::Method;

// An object of a group that was found in a report waits with the others of it for those nodes that
// may be about to come: then all are visible, but for what is lost with a node.
bool StateMachine::is_visible(ObjectIndex object) const {
  return object != kNone && (directory_.replica(object).of_group == 0 || !recovering());
}

// True when there is a node to read it from; then its replicas are with the writer.
bool StateMachine::write_replicas(ObjectIndex object, HandleWriter& handles) {
  for (ReplicaIndex at = object; at != kNone; at = directory_.replica(at).next) {
    const ReplicaRecord& replica = directory_.replica(at);
    const Segment& segment = *segments_.get(replica.segment);
    if (segment.alive()) {
      handles.replica(segment, replica.slot, replica.generation, replica.header_digest,
                      replica.extents);
    }
  }
  return handles.has_replicas();
}

// Hashes the keys, finds their objects and calls visit(ObjectIndex) in their order, until that is
// false. By parts, so that the memory of many is on its way at once.
template <class Visit>
void StateMachine::for_each_object(std::string_view name_space,
                                   std::span<const std::string_view> keys, Visit visit) {
  constexpr std::size_t kPart = 128;
  std::array<base::Hash128, kPart> hashes;
  std::array<ObjectIndex, kPart> objects;
  const auto hash = hasher_.in(name_space);
  for (std::size_t first = 0; first < keys.size(); first += kPart) {
    const std::size_t count = std::min(kPart, keys.size() - first);
    std::transform(keys.begin() + first, keys.begin() + first + count, hashes.begin(), hash);
    directory_.find({hashes.data(), count}, {objects.data(), count});
    for (std::size_t i = 0; i < count; ++i) {
      if (!visit(objects[i])) {
        return;
      }
    }
  }
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
  std::size_t looked_up = 0;
  const CallKind kind = lookup.use ? CallKind::kGet : CallKind::kExists;
  reply_handles(session, Method::kLookup, request, kind, [&](HandleWriter& handles) {
    for_each_object(lookup.name_space, lookup.keys, [&](ObjectIndex object) {
      const std::size_t number = looked_up++;
      if (!is_visible(object)) {
        if (lookup.tell_open && has_open_put(lookup.name_space, lookup.keys[number])) {
          handles.add(Status::kInFlight);
          return true;
        }
        const Status missing = recovering() ? Status::kRecovering : Status::kNotFound;
        const Time filling = lookup.fill_ms == 0 || recovering()
                                 ? Time(0)
                                 : ask_to_fill(hasher_(lookup.name_space, lookup.keys[number]),
                                               session, Time(lookup.fill_ms), now);
        filling == Time(0) ? handles.add(missing) : handles.add_being_filled(filling);
        return true;
      }
      if (lookup.use) {
        hot_.used(directory_.replica(object).hash);
        directory_.touch(object, now);
      }
      const bool readable = write_replicas(object, handles);
      handles.add(readable ? Status::kOk : Status::kUnreachable, directory_.put_of(object),
                  directory_.replica(object).value_bytes);
      return true;
    });
  });
}

bool StateMachine::has_open_put(std::string_view name_space, std::string_view key) const {
  bool found = false;
  open_puts_.for_each_of_key(hasher_(name_space, key), [&](OpenPutIndex) { found = true; });
  return found;
}

// How long another client has been at it; zero: this one may fill the key.
Time StateMachine::ask_to_fill(const base::Hash128& hash, SessionId session, Time hold, Time now) {
  constexpr Time kHoldMax{600'000};
  return fills_.ask(hash, client_of_.at(session), std::min(hold, kHoldMax), now);
}

void StateMachine::match_prefix(SessionId session, std::uint64_t request,
                                const protocol::MatchPrefix& match) {
  if (match.keys.size() > Limits::kBatchKeys) {
    return refuse_batch(session, Method::kMatchPrefix, request);
  }
  constexpr CallKind kKind = CallKind::kMatchPrefix;
  reply_handles(session, Method::kMatchPrefix, request, kKind, [&](HandleWriter& handles) {
    for_each_object(match.name_space, match.keys, [&](ObjectIndex object) {
      if (!is_visible(object) || !write_replicas(object, handles)) {
        return false;
      }
      handles.add(Status::kOk, directory_.put_of(object), directory_.replica(object).value_bytes);
      return true;
    });
  });
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
    const auto is_bad = [](Status status) {
      return !is_success(status) && status != Status::kPending;
    };
    if (waiting.request != 0) {
      calls_.count(waiting.method == Method::kRemove ? CallKind::kRemove : CallKind::kCommit,
                   waiting.statuses.size(), std::ranges::any_of(waiting.statuses, is_bad));
    }
    return reply(waiting.session, waiting.method, waiting.request,
                 protocol::Statuses{std::move(waiting.statuses)});
  }
  waiting_removes_.emplace(id, std::move(waiting));
}

// Takes the object and every open put of the key out. `owing` counts the slots whose nodes have yet
// to confirm.
Status StateMachine::remove_key(const base::Hash128& hash, RemoveId id, std::uint32_t& owing) {
  // Where nodes are still to be heard of, the key may yet turn up, and is taken back then.
  Status status = is_whole() ? Status::kNotFound : Status::kPending;
  cut(hash, open_puts_.last());
  owing += segments_.wait_for_leaving(hash, id);
  open_puts_.for_each_of_key(hash, [&](OpenPutIndex put) {
    owing += cancel(open_puts_[put], id);
    status = is_whole() ? Status::kOk : Status::kPending;
  });
  if (const ObjectIndex object = directory_.find(hash); object != kNone) {
    const Retired retired = retire(object, id);
    owing += retired.owing;
    status = retired.is_missing || !is_whole() ? Status::kPending : Status::kOk;
  }
  return status;
}

// Takes an object out for good.
StateMachine::Retired StateMachine::retire(ObjectIndex object, RemoveId id) {
  count_pinned(object, false);
  Retired retired;
  retired.owing = cancel_copies(directory_.put_of(object), id);
  for (ReplicaIndex at = object; at != kNone;) {
    const ReplicaIndex next = directory_.replica(at).next;
    const bool lost = segments_.get(directory_.replica(at).segment)->node.lost;
    segments_.reclaim(directory_.drop_replica(at), lost ? 0 : id);
    retired.owing += lost ? 0 : 1;
    retired.is_missing = retired.is_missing || lost;
    at = next;
  }
  return retired;
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
      for (std::size_t i = 0; i < waiting.puts.size(); ++i) {
        open_puts_.amend(waiting.puts[i], waiting.statuses[i]);
      }
      answer_when_gone(0, std::move(waiting));
      waiting_removes_.erase(found);
    }
  }
}

// What is said where nodes still owe their word: nothing is gone yet, and a put that came to
// nothing may be found by the next meta.
Status StateMachine::unconfirmed(Method method, Status status) {
  const bool says_gone = method == Method::kRemove || status == Status::kOk;
  return says_gone || status == Status::kPending ? Status::kPending : Status::kUnknown;
}

void StateMachine::expire_removes(Time now) {
  for (auto at = waiting_removes_.begin(); at != waiting_removes_.end();) {
    WaitingRemove& waiting = at->second;
    if (waiting.deadline > now) {
      ++at;
      continue;
    }
    for (std::size_t i = 0; i < waiting.statuses.size(); ++i) {
      if (waiting.owing[i] != 0) {
        waiting.statuses[i] = unconfirmed(waiting.method, waiting.statuses[i]);
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
      hot_.used(directory_.replica(object).hash);
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
