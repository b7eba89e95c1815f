// Open puts: start, commit, abort, expiry.
#include <algorithm>
#include <array>

#include "base/check.h"
#include "meta/state_machine.h"
#include "pool/object.h"

namespace aquifer::meta {

using protocol::Method;

namespace {

constexpr Time kCommitGrace{
    1000};  // past the client's own deadline, after which it commits no more
constexpr std::uint32_t kTimeoutMaxMs = 600'000;
constexpr Time kFirstNodeTime{1000};
constexpr std::size_t kAbandonedMax = 1024;

}  // namespace

StateMachine::StartItem StateMachine::start_item(const protocol::PutStart& start,
                                                 const protocol::PutStartItem& item,
                                                 const base::KeyHasher::InNamespace& hash) {
  StartItem out;
  out.value_bytes = item.value_bytes;
  if (item.key.empty() || item.key.size() > Limits::kKeyBytes || item.value_bytes == 0) {
    out.answer(Status::kInvalidArgument);
    return out;
  }
  if (item.value_bytes > Limits::kValueBytes) {
    out.answer(Status::kTooLarge);
    return out;
  }
  out.hash = hash(item.key);
  out.parent = item.parent.empty() ? base::Hash128{} : hash(item.parent);
  out.units = units_for(pool::stored_bytes(
      item.value_bytes,
      pool::header_bytes(start.name_space.size(), item.key.size(), item.value_bytes)));
  return out;
}

// Answers those that are there already, or are being put. By parts, as look-ups are.
void StateMachine::answer_what_exists(std::span<StartItem> items, PutMode mode, Time now) {
  constexpr std::size_t kPart = 128;
  std::array<base::Hash128, kPart> hashes;
  std::array<ObjectIndex, kPart> objects;
  for (; !items.empty(); items = items.subspan(std::min(kPart, items.size()))) {
    const std::size_t count = std::min(kPart, items.size());
    std::transform(items.begin(), items.begin() + count, hashes.begin(),
                   [](const StartItem& item) { return item.hash; });
    directory_.find({hashes.data(), count}, {objects.data(), count});
    for (std::size_t i = 0; i < count; ++i) {
      StartItem& item = items[i];
      if (item.answered) {
        continue;
      }
      if (objects[i] != kNone && mode != PutMode::kReplace && is_readable(objects[i])) {
        directory_.touch(objects[i], now);
        item.answer(Status::kExists);
      } else if (mode == PutMode::kIfAbsent && is_being_put(item.hash)) {
        item.answer(Status::kInFlight);
      }
    }
  }
}

// Where every node that holds it is lost, an object is put again rather than said to be there.
bool StateMachine::is_readable(ObjectIndex object) {
  for (ReplicaIndex at = object; at != kNone; at = directory_.replica(at).next) {
    if (segments_.get(directory_.replica(at).segment)->alive()) {
      return true;
    }
  }
  return false;
}

bool StateMachine::is_being_put(const base::Hash128& hash) const {
  bool found = false;
  open_puts_.for_each_of_key(
      hash, [&](OpenPutIndex put) { found = found || !open_puts_[put].cancelled; });
  return found;
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
  waiting.group = start.group;
  waiting.items.reserve(start.items.size());
  const auto hash = hasher_.in(start.name_space);
  for (const protocol::PutStartItem& item : start.items) {
    waiting.items.push_back(start_item(start, item, hash));
  }
  answer_what_exists(waiting.items, start.mode, now);
  waiting.failed =
      start.group &&
      std::any_of(waiting.items.begin(), waiting.items.end(), [](const StartItem& item) {
        return item.answered && item.status != Status::kExists;
      });
  if (waiting.group && !waiting.failed && !can_ever_hold(waiting)) {
    for (StartItem& item : waiting.items) {
      if (!item.answered) {
        item.answer(Status::kNoSpace);
      }
    }
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
  const auto refuse_item = [&](StartItem& item, Status status) {
    item.answer(status);
    start.failed = start.group;
  };
  for (StartItem& item : start.items) {
    if (item.answered) {
      held += item.status == Status::kOk ? 1 : 0;
      continue;
    }
    if (start.failed) {
      item.answer(Status::kCancelled);
      continue;
    }
    // Another may have begun, or ended, while this one waited.
    if (start.mode == PutMode::kIfAbsent && is_being_put(item.hash)) {
      refuse_item(item, Status::kInFlight);
      continue;
    }
    OpenPut& put = open_puts_.blank();
    if (segments_.place(item.units, start.replicas, start.preferred, put.replicas)) {
      open(put, start, item);
      ++held;
      continue;
    }
    if (!can_ever_be_placed(start, item)) {
      refuse_item(item, Status::kNoSpace);
      continue;
    }
    if (!segments_.any_alive()) {
      return false;  // a node may still join
    }
    // A batch that holds something itself is to commit that first, not to wait for limbo.
    const bool waits_for_limbo = held == 0 && segments_.any_limbo();
    if (segments_.make_room(item.units, start.replicas) || open_puts_.size() > held ||
        waits_for_limbo || awaits_nodes()) {
      return false;
    }
    // This batch itself holds all there is.
    refuse_item(item, start.group ? Status::kNoSpace : Status::kBusy);
  }
  return true;
}

// Opens a put that has been given its room.
void StateMachine::open(OpenPut& put, const WaitingStart& start, StartItem& item) {
  put.hash = item.hash;
  put.parent = item.parent;
  put.value_bytes = item.value_bytes;
  put.client = start.client;
  put.ticket = start.ticket;
  put.expires = start.put_expires;
  put.mode = start.mode;
  for (PlacedReplica& replica : put.replicas) {
    replica.hash = put.hash;
  }
  item.put = open_puts_.id_of(open_puts_.open());
  item.answer(Status::kOk);
}

// False where it can never fit, and where what is pinned leaves no room for it.
bool StateMachine::can_ever_be_placed(const WaitingStart& start, const StartItem& item) {
  unsigned nodes = 0;
  unsigned large_enough = 0;
  segments_.for_each([&](SegmentIndex, Segment& segment) {
    ++nodes;  // a lost one may come back
    large_enough += segment.units_max >= item.units + segment.pinned_units ? 1 : 0;
  });
  return nodes == 0 || large_enough >= start.replicas || awaits_nodes();
}

// A group takes its room all at once: nothing is to be evicted for one that is too large.
bool StateMachine::can_ever_hold(const WaitingStart& start) {
  std::uint64_t wanted = 0;
  for (const StartItem& item : start.items) {
    wanted += item.answered ? 0 : std::uint64_t{item.units} * start.replicas;
  }
  std::uint64_t room = 0;
  segments_.for_each([&](SegmentIndex, const Segment& segment) {
    room += segment.units_max - std::min<std::uint64_t>(segment.pinned_units, segment.units_max);
  });
  return wanted <= room || awaits_nodes();
}

// There may be more nodes than are known.
bool StateMachine::awaits_nodes() const { return is_young_ || (expects_ && !missing_.empty()); }

// Ends a put whose handle was never handed out: it has no writer.
void StateMachine::end_unanswered(StartItem& item) {
  item.status = Status::kCancelled;
  const OpenPutIndex put = open_puts_.find(item.put);
  if (put == kNone || open_puts_[put].publishing) {
    return;
  }
  cancel(open_puts_[put]);
  open_puts_.close(put, Status::kCancelled);
}

void StateMachine::answer(WaitingStart& start) {
  for (StartItem& item : start.items) {
    if (item.status != Status::kOk) {
      continue;
    }
    // Removed, or its node lost, while it waited; or ended by its client, who has not been told of
    // it.
    const OpenPutIndex put = open_puts_.find(item.put);
    if (put == kNone || open_puts_[put].cancelled) {
      end_unanswered(item);
    }
  }
  if (start.group) {
    end_failed_group(start);
  }
  for (const StartItem& item : start.items) {
    if (item.status != Status::kOk && item.status != Status::kInFlight) {
      fills_.give_up(item.hash, start.client);
    }
  }
  reply_handles(
      start.session, Method::kPutStart, start.request, CallKind::kPut, [&](HandleWriter& handles) {
        for (const StartItem& item : start.items) {
          if (item.status != Status::kOk) {
            handles.add(item.status);
            continue;
          }
          for (const PlacedReplica& replica : open_puts_[open_puts_.find(item.put)].replicas) {
            handles.replica(*segments_.get(replica.segment), replica.slot, replica.generation, 0,
                            replica.extents);
          }
          handles.add(Status::kOk, item.put, item.value_bytes);
        }
      });
}

// Either all of a group can be written, or nothing of it. Its puts have numbers in a row, of one
// epoch: so it is told from what lies in the segments which belong together.
void StateMachine::end_failed_group(WaitingStart& start) {
  bool failed = false;
  std::optional<base::PutId> last;
  for (const StartItem& item : start.items) {
    if (item.status == Status::kOk) {
      failed = failed || (last && item.put != base::PutId{last->epoch, last->sequence + 1});
      last = item.put;
    } else {
      failed = failed || item.status != Status::kExists;
    }
  }
  for (StartItem& item : start.items) {
    if (failed && item.status == Status::kOk) {
      end_unanswered(item);
    }
  }
}

// Nobody will ever hear the answers: what these starts hold goes back, and they leave the queue.
void StateMachine::forget_starts(SessionId session) {
  std::erase_if(waiting_starts_, [&](WaitingStart& start) {
    if (start.session != session) {
      return false;
    }
    for (StartItem& item : start.items) {
      if (item.answered && item.status == Status::kOk) {
        end_unanswered(item);
      }
    }
    return true;
  });
}

void StateMachine::put_finish(SessionId session, std::uint64_t request,
                              const protocol::PutFinishView& finish, Time now) {
  if (finish.items.size() > Limits::kBatchKeys) {
    return refuse_batch(session, Method::kPutFinish, request);
  }
  const base::ClientId client = client_of_.at(session);
  const Time deadline = now + Time(finish.timeout_ms);
  for (const std::uint64_t ticket : finish.abandoned) {
    abandon(client, ticket);
  }
  if (finish.group && can_publish(finish, client)) {
    return publish(session, request, finish, deadline);
  }
  if (finish.group && wait_again(session, request, finish, deadline)) {
    return;
  }
  finish_puts(session, request, client, finish, !finish.group, deadline, now);
}

void StateMachine::finish_puts(SessionId session, std::uint64_t request, base::ClientId client,
                               const protocol::PutFinishView& finish, bool may_commit,
                               Time deadline, Time now) {
  const RemoveId id = ++next_remove_;
  WaitingRemove waiting{session, Method::kPutFinish, request, deadline, {}, {}, 0};
  for (std::size_t i = 0; i < finish.items.size(); ++i) {
    std::uint32_t owing = 0;
    waiting.statuses.push_back(
        finish_put(client, finish.items[i], may_commit, id << 16 | i, owing, now));
    waiting.owing.push_back(owing);
    waiting.owing_in_all += owing;
    waiting.puts.push_back(finish.items[i].put);
  }
  if (!may_commit) {
    judge_earlier_group(finish, waiting.statuses);
  }
  answer_when_gone(id, std::move(waiting));
}

// Of a group that an earlier meta has started either all is there, or nobody can say.
void StateMachine::judge_earlier_group(const protocol::PutFinishView& finish,
                                       std::vector<Status>& statuses) const {
  if (std::all_of(statuses.begin(), statuses.end(),
                  [](Status status) { return status == Status::kOk; })) {
    return;
  }
  for (std::size_t i = 0; i < statuses.size(); ++i) {
    if (statuses[i] == Status::kOk && !open_puts_.is_ours(finish.items[i].put)) {
      statuses[i] = recovering() ? Status::kRecovering : Status::kUnknown;
    }
  }
}

Status StateMachine::finish_put(base::ClientId client, const protocol::PutFinishItemView& item,
                                bool may_commit, RemoveId remove, std::uint32_t& owing, Time now) {
  const OpenPutIndex index = open_puts_.find(item.put);
  if (index == kNone) {
    if (open_puts_.is_ours(item.put)) {
      return open_puts_.outcome(item.put).value_or(Status::kCancelled);  // a repeat
    }
    const ObjectIndex object = item.commit ? directory_.find_put(item.put) : kNone;
    if (object != kNone) {
      owing += segments_.wait_for_leaving(directory_.replica(object).hash, remove);
    }
    return finish_earlier(item, object, !may_commit);
  }
  OpenPut& put = open_puts_[index];
  if (put.client != client) {
    return Status::kDenied;
  }
  if (put.publishing) {
    return Status::kUnknown;  // what has been decided is not taken back
  }
  Status status = Status::kCancelled;
  if (item.commit && may_commit && !put.cancelled) {
    status = commit(put, item, remove, owing, now);
  }
  // What did not become an object is answered when it cannot become one any more.
  if (status != Status::kOk && status != Status::kPending) {
    owing += cancel(put, remove);
  }
  // A repeat does not wait for what the first answer waits for: until then it is told less.
  open_puts_.close(index, owing != 0 ? unconfirmed(Method::kPutFinish, status) : status);
  return status;
}

Status StateMachine::commit(OpenPut& put, const protocol::PutFinishItemView& item, RemoveId remove,
                            std::uint32_t& owing, Time now) {
  if (item.header_digests.size() != put.replicas.size()) {
    return Status::kInvalidArgument;
  }
  // Where nodes are still to be heard of, an older value may yet turn up, and is taken back then.
  Status status = put.mode == PutMode::kReplace && !is_whole() ? Status::kPending : Status::kOk;
  if (put.mode == PutMode::kReplace) {
    owing += segments_.wait_for_leaving(put.hash, remove);
  }
  if (const ObjectIndex before = directory_.find(put.hash); before != kNone) {
    const bool readable = is_readable(before);
    if (put.mode != PutMode::kReplace && readable) {
      return Status::kExists;
    }
    const bool waits = put.mode == PutMode::kReplace;
    const Retired retired = retire(before, waits ? remove : 0);
    owing += waits ? retired.owing : 0;
    status = waits && retired.is_missing ? Status::kPending : status;
  }
  // What an earlier put of the key has left elsewhere is not to come back when this one is gone.
  cut(put.hash, item.put);
  fills_.end(put.hash);
  const ObjectIndex object = directory_.add(
      {put.hash, item.put, put.value_bytes, put.parent, static_cast<unsigned>(put.replicas.size())},
      std::move(put.replicas[0]), item.header_digests[0], now);
  AQ_CHECK(object != kNone);
  for (std::size_t i = 1; i < put.replicas.size(); ++i) {
    directory_.add_replica(object, std::move(put.replicas[i]), item.header_digests[i], put.parent,
                           now);
  }
  return status;
}

// Takes the slots back. The put stays known until its writer answers or is gone. `waiting` (0:
// nobody) is told when no slot can be sealed or read any more; the number of slots it waits for.
std::uint32_t StateMachine::cancel(OpenPut& put, RemoveId waiting) {
  fills_.give_up(put.hash, put.client);
  std::uint32_t owing = 0;
  for (PlacedReplica& replica : put.replicas) {
    if (!put.cancelled) {
      segments_.reclaim({replica.segment, replica.slot, replica.generation,
                         std::move(replica.extents), put.hash});
    }
    if (waiting != 0 &&
        segments_.wait_for(replica.segment, replica.slot, replica.generation, waiting)) {
      ++owing;
    }
  }
  put.cancelled = true;
  return owing;
}

// The client never saw the answer, so it has not written and never will: the slots can be used
// again at once.
void StateMachine::abandon(base::ClientId client, std::uint64_t ticket) {
  open_puts_.for_each_of_client(client, [&](OpenPutIndex put) {
    if (open_puts_[put].ticket == ticket && !open_puts_[put].publishing) {
      cancel(open_puts_[put]);
      open_puts_.close(put, Status::kCancelled);
    }
  });
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
  open_puts_.expire(now, [&](OpenPutIndex put) {
    if (!open_puts_[put].cancelled && !open_puts_[put].publishing) {
      cancel(open_puts_[put]);
    }
  });
}

// The client may come back and ask what became of them: until their slots are fenced nobody knows.
void StateMachine::cancel_puts_of(base::ClientId client, Time now) {
  open_puts_.for_each_of_client(client, [&](OpenPutIndex put) {
    if (open_puts_[put].publishing) {
      return;
    }
    const RemoveId id = ++next_remove_;
    WaitingRemove waiting{
        0, Method::kPutFinish,     0, now + Time(kTimeoutMaxMs), {Status::kCancelled}, {},
        0, {open_puts_.id_of(put)}};
    waiting.owing_in_all = cancel(open_puts_[put], id << 16);
    waiting.owing.push_back(waiting.owing_in_all);
    open_puts_.close(put, waiting.owing_in_all != 0 ? Status::kUnknown : Status::kCancelled);
    if (waiting.owing_in_all != 0) {
      waiting_removes_.emplace(id, std::move(waiting));
    }
  });
}

}  // namespace aquifer::meta
