// Open puts: start, commit, abort, expiry.
#include <algorithm>

#include "base/check.h"
#include "meta/state_machine.h"
#include "pool/object.h"

namespace aquifer::meta {

using protocol::Method;

namespace {

constexpr Time kCommitGrace{
    1000};  // past the client's own deadline, after which it commits no more
constexpr std::size_t kFinishedMax = 1u << 16;
constexpr std::uint32_t kTimeoutMaxMs = 600'000;
constexpr Time kFirstNodeTime{1000};
constexpr std::size_t kAbandonedMax = 1024;

}  // namespace

StateMachine::StartItem StateMachine::start_item(const protocol::PutStart& start,
                                                 const protocol::PutStartItem& item, Time now) {
  StartItem out;
  out.value_bytes = item.value_bytes;
  out.answered = true;
  if (item.key.empty() || item.key.size() > Limits::kKeyBytes || item.value_bytes == 0) {
    out.status = Status::kInvalidArgument;
    return out;
  }
  if (item.value_bytes > Limits::kValueBytes) {
    out.status = Status::kTooLarge;
    return out;
  }
  out.hash = hasher_(start.name_space, item.key);
  out.parent = item.parent.empty() ? base::Hash128{} : hasher_(start.name_space, item.parent);
  out.units = units_for(pool::stored_bytes(
      item.value_bytes,
      pool::header_bytes(start.name_space.size(), item.key.size(), item.value_bytes)));
  const ObjectIndex object = directory_.find(out.hash);
  if (object != kNone && start.mode != PutMode::kReplace && is_readable(object)) {
    directory_.touch(object, now);
    out.status = Status::kExists;
  } else if (start.mode == PutMode::kIfAbsent && is_being_put(out.hash)) {
    out.status = Status::kInFlight;
  } else {
    out.answered = false;
  }
  return out;
}

// Where every node that holds it is lost, an object is put again rather than said to be there.
bool StateMachine::is_readable(ObjectIndex object) {
  for (ReplicaIndex at = directory_.object(object).first_replica; at != kNone;
       at = directory_.replica(at).next) {
    if (segments_.get(directory_.replica(at).segment)->alive()) {
      return true;
    }
  }
  return false;
}

bool StateMachine::is_being_put(const base::Hash128& hash) const {
  const auto [first, last] = open_by_hash_.equal_range(hash);
  return std::any_of(first, last,
                     [&](const auto& entry) { return !open_puts_.at(entry.second).cancelled; });
}

void StateMachine::put_start(SessionId session, std::uint64_t request,
                             const protocol::PutStart& start, Time now) {
  if (start.replicas == 0 || start.replicas > Limits::kReplicas ||
      start.items.size() > Limits::kBatchKeys || start.name_space.empty() ||
      start.name_space.size() > Limits::kNamespaceBytes || start.mode > PutMode::kReplace) {
    return refuse(session, Method::kPutStart, request, Status::kInvalidArgument,
                  "replicas, number of keys, namespace or mode of the put are out of range", {});
  }
  WaitingStart waiting;
  waiting.session = session;
  waiting.request = request;
  waiting.client = client_of_.at(session);
  const auto& abandoned = clients_.at(waiting.client).abandoned;
  if (std::find(abandoned.begin(), abandoned.end(), start.ticket) != abandoned.end()) {
    return refuse(session, Method::kPutStart, request, Status::kCancelled,
                  "the request was given up before it came", {});
  }
  waiting.ticket = start.ticket;
  waiting.replicas = start.replicas;
  waiting.preferred = start.preferred_node;
  const Time timeout{std::min(start.timeout_ms, kTimeoutMaxMs)};
  waiting.deadline = now + timeout;
  waiting.node_deadline = std::min(waiting.deadline, now + kFirstNodeTime);
  const Time lifetime{std::min(start.lifetime_ms, kTimeoutMaxMs)};
  waiting.put_expires = (start.lifetime_ms == 0 ? waiting.deadline : now + lifetime) + kCommitGrace;
  waiting.mode = start.mode;
  waiting.items.reserve(start.items.size());
  for (const protocol::PutStartItem& item : start.items) {
    waiting.items.push_back(start_item(start, item, now));
  }
  waiting_starts_.push_back(std::move(waiting));  // served by settle(), in the order of arrival
}

// Only the first in the queue may hold a part of what it asked for: two large batches cannot starve
// each other.
void StateMachine::serve_waiting_starts() {
  while (!waiting_starts_.empty() && fill(waiting_starts_.front())) {
    answer(waiting_starts_.front());
    waiting_starts_.pop_front();
  }
}

// Places what can be placed; true when every item has its answer.
bool StateMachine::fill(WaitingStart& start) {
  std::size_t held = 0;
  for (StartItem& item : start.items) {
    if (item.answered) {
      held += item.status == Status::kOk ? 1 : 0;
      continue;
    }
    // Another may have begun, or ended, while this one waited.
    if (start.mode == PutMode::kIfAbsent && is_being_put(item.hash)) {
      item.status = Status::kInFlight;
    } else {
      item.status = why_it_cannot_be_placed(start, item);
    }
    if (item.status != Status::kOk) {
      item.answered = true;
      continue;
    }
    if (!segments_.any_alive()) {
      return false;  // a node may still join
    }
    auto replicas = segments_.place(item.units, start.replicas, start.preferred);
    if (!replicas) {
      // A batch that holds something itself is to commit that first, not to wait for limbo.
      const bool waits_for_limbo = held == 0 && segments_.any_limbo();
      if (segments_.make_room(item.units, start.replicas) || open_puts_.size() > held ||
          waits_for_limbo) {
        return false;
      }
      item.status = Status::kBusy;  // this batch itself holds all there is
      item.answered = true;
      continue;
    }
    item.answered = true;
    item.put = {options_.process, ++next_put_};
    open_puts_[item.put] = {item.hash,           start.client, start.ticket, item.value_bytes,
                            start.put_expires,   start.mode,   item.parent,  false,
                            *std::move(replicas)};
    open_by_hash_.emplace(item.hash, item.put);
    ++held;
  }
  return true;
}

// No space: where it can never fit, and where what is pinned leaves no room for it.
Status StateMachine::why_it_cannot_be_placed(const WaitingStart& start, const StartItem& item) {
  unsigned nodes = 0;
  unsigned large_enough = 0;
  segments_.for_each([&](SegmentIndex, Segment& segment) {
    ++nodes;  // a lost one may come back
    large_enough += segment.units_max >= item.units + segment.pinned_units ? 1 : 0;
  });
  return nodes != 0 && large_enough < start.replicas ? Status::kNoSpace : Status::kOk;
}

// Ends a put whose handle was never handed out: it has no writer.
void StateMachine::end_unanswered(StartItem& item, Status status) {
  cancel(open_puts_.at(item.put), true);
  close_put(item.put, status);
  item.status = status;
}

void StateMachine::answer(WaitingStart& start) {
  protocol::Handles handles;
  handles.items.reserve(start.items.size());
  for (StartItem& item : start.items) {
    if (item.status == Status::kOk && open_puts_.at(item.put).cancelled) {
      end_unanswered(item, Status::kCancelled);  // removed, or its node lost, while it waited
    }
    protocol::Handle handle;
    handle.status = item.status;
    handle.put = item.put;
    handle.value_bytes = item.value_bytes;
    if (item.status == Status::kOk) {
      for (const OpenReplica& replica : open_puts_.at(item.put).replicas) {
        const Segment& segment = *segments_.get(replica.segment);
        protocol::Replica out{segment.node.id, segment.id, replica.slot, replica.generation, 0, {}};
        for (const pool::Extent& extent : replica.extents) {
          out.extents.push_back({extent.first_unit, extent.units});
        }
        handle.replicas.push_back(std::move(out));
      }
    }
    handles.items.push_back(std::move(handle));
  }
  reply(start.session, Method::kPutStart, start.request, handles);
}

// Nobody will ever hear the answers: what these starts hold goes back, and they leave the queue.
void StateMachine::forget_starts(SessionId session) {
  std::erase_if(waiting_starts_, [&](WaitingStart& start) {
    if (start.session != session) {
      return false;
    }
    for (StartItem& item : start.items) {
      if (item.answered && item.status == Status::kOk) {
        end_unanswered(item, Status::kCancelled);
      }
    }
    return true;
  });
}

void StateMachine::put_finish(SessionId session, std::uint64_t request,
                              const protocol::PutFinish& finish, Time now) {
  if (finish.items.size() > Limits::kBatchKeys) {
    return refuse_batch(session, Method::kPutFinish, request);
  }
  const RemoveId id = ++next_remove_;
  WaitingRemove waiting{session, Method::kPutFinish, request, now + Time(finish.timeout_ms), {}, {},
                        0};
  for (std::size_t i = 0; i < finish.items.size(); ++i) {
    std::uint32_t owing = 0;
    waiting.statuses.push_back(
        finish_put(client_of_.at(session), finish.items[i], id << 16 | i, owing, now));
    waiting.owing.push_back(owing);
    waiting.owing_in_all += owing;
  }
  for (const std::uint64_t ticket : finish.abandoned) {
    abandon(client_of_.at(session), ticket);
  }
  answer_when_gone(id, std::move(waiting));
}

Status StateMachine::finish_put(base::ClientId client, const protocol::PutFinishItem& item,
                                RemoveId remove, std::uint32_t& owing, Time now) {
  const auto found = open_puts_.find(item.put);
  if (found == open_puts_.end()) {
    const auto before = finished_.find(item.put);  // a repeat gets the first answer
    return before == finished_.end() ? Status::kCancelled : before->second;
  }
  OpenPut& put = found->second;
  if (put.client != client) {
    return Status::kDenied;
  }
  Status status = Status::kCancelled;
  if (item.commit && !put.cancelled) {
    status = commit(item.put, put, item, remove, owing, now);
  }
  if (status != Status::kOk) {
    cancel(put, true);
  }
  close_put(item.put, status);
  return status;
}

Status StateMachine::commit(base::PutId id, OpenPut& put, const protocol::PutFinishItem& item,
                            RemoveId remove, std::uint32_t& owing, Time now) {
  if (item.header_digests.size() != put.replicas.size()) {
    return Status::kInvalidArgument;
  }
  if (const ObjectIndex before = directory_.find(put.hash); before != kNone) {
    const bool readable = is_readable(before);
    if (put.mode != PutMode::kReplace && readable) {
      return Status::kExists;
    }
    const bool waits = put.mode == PutMode::kReplace;
    const std::uint32_t retiring = retire(before, waits ? remove : 0);
    owing += waits ? retiring : 0;
  }
  const ObjectIndex object = directory_.add(put.hash, id, put.value_bytes);
  for (std::size_t i = 0; i < put.replicas.size(); ++i) {
    OpenReplica& replica = put.replicas[i];
    directory_.add_replica(object, replica.segment, replica.slot, replica.generation,
                           item.header_digests[i], std::move(replica.extents), put.parent, now);
  }
  return Status::kOk;
}

// Takes the slots back. The put stays known until its writer answers or is gone.
void StateMachine::cancel(OpenPut& put, bool writer_done) {
  for (OpenReplica& replica : put.replicas) {
    if (put.cancelled) {
      if (writer_done) {
        segments_.writer_done(replica.segment, replica.slot, replica.generation);
      }
    } else {
      segments_.reclaim(replica.segment, replica.slot, replica.generation,
                        std::move(replica.extents), put.client, writer_done);
    }
  }
  put.cancelled = true;
}

void StateMachine::close_put(base::PutId id, Status status) {
  const auto found = open_puts_.find(id);
  auto [first, last] = open_by_hash_.equal_range(found->second.hash);
  open_by_hash_.erase(
      std::find_if(first, last, [&](const auto& entry) { return entry.second == id; }));
  open_puts_.erase(found);
  finished_[id] = status;
  finished_order_.push_back(id);
  if (finished_order_.size() > kFinishedMax) {
    finished_.erase(finished_order_.front());
    finished_order_.pop_front();
  }
}

// The client never saw the answer, so it has not written and never will: the slots can be used
// again at once.
void StateMachine::abandon(base::ClientId client, std::uint64_t ticket) {
  std::vector<base::PutId> ids;
  for (const auto& [id, put] : open_puts_) {
    if (put.client == client && put.ticket == ticket) {
      ids.push_back(id);
    }
  }
  for (const base::PutId& id : ids) {
    cancel(open_puts_.at(id), true);
    close_put(id, Status::kCancelled);
  }
  std::erase_if(waiting_starts_, [&](const WaitingStart& start) {
    return start.client == client && start.ticket == ticket;
  });
  auto& abandoned = clients_.at(client).abandoned;
  abandoned.push_back(ticket);
  if (abandoned.size() > kAbandonedMax) {
    abandoned.pop_front();
  }
}

void StateMachine::expire_puts(Time now) {
  for (auto& [id, put] : open_puts_) {
    if (!put.cancelled && put.expires <= now) {
      cancel(put, false);
    }
  }
}

void StateMachine::cancel_puts_of(base::ClientId client) {
  std::vector<base::PutId> ids;
  for (const auto& [id, put] : open_puts_) {
    if (put.client == client) {
      ids.push_back(id);
    }
  }
  for (const base::PutId& id : ids) {
    cancel(open_puts_.at(id), false);  // the node finds out whether the writer still has the memory
    close_put(id, Status::kCancelled);
  }
}

}  // namespace aquifer::meta
