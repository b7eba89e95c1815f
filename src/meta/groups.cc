// Objects that become visible together. Their writer has *prepared* all of them when it commits;
// what follows is meta's to decide, once: from then on nothing is taken back. The nodes seal what
// is prepared, and when all have, the objects enter the directory in one step.
//
// A meta that learns of prepared objects from reports holds them back. One of the group that is
// sealed, or all of it there, says that it was, or may be, published: the nodes seal the rest. When
// every node has reported and neither is so, the writer has never been told of a success, and they
// are taken back.
#include <algorithm>

#include "meta/state_machine.h"

namespace aquifer::meta {

using protocol::Method;

namespace {

constexpr std::size_t kItemsMax = 16384;  // in one message

}  // namespace

// The epoch of a meta may be raised between two puts, its process stays the same.
base::PutId StateMachine::group_id(const base::PutId& put, base::GroupPlace place) {
  return {protocol::epoch_process(put.epoch), put.sequence - place.index};
}

bool StateMachine::can_publish(const protocol::PutFinishView& finish, base::ClientId client) const {
  // One that is named twice cannot be published twice.
  std::unordered_set<std::uint64_t> named;
  return !finish.items.empty() &&
         std::all_of(finish.items.begin(), finish.items.end(), [&](const auto& item) {
           const OpenPutIndex index = open_puts_.find(item.put);
           if (index == kNone || !item.commit) {
             return false;
           }
           const OpenPut& put = open_puts_[index];
           return named.insert(put.sequence).second && put.client == client && !put.cancelled &&
                  !put.publishing && item.header_digests.size() == put.replicas.size();
         });
}

// The answer to an earlier commit of the same got lost with its connection, or is still to come.
bool StateMachine::wait_again(SessionId session, std::uint64_t request,
                              const protocol::PutFinishView& finish, Time deadline) {
  const auto found =
      finish.items.empty() ? groups_.end() : groups_.find(group_id(finish.items[0].put, {}));
  if (found == groups_.end() || found->second.items.size() != finish.items.size() ||
      found->second.client != client_of_.at(session)) {
    return false;
  }
  found->second.session = session;
  found->second.request = request;
  found->second.deadline = deadline;
  return true;
}

void StateMachine::publish(SessionId session, std::uint64_t request,
                           const protocol::PutFinishView& finish, Time deadline) {
  const base::PutId id = group_id(finish.items[0].put, {});
  Group& group = groups_[id];
  group.session = session;
  group.request = request;
  group.deadline = deadline;
  group.client = client_of_.at(session);
  for (const protocol::PutFinishItemView& item : finish.items) {
    Group::Item& mine = group.items.emplace_back();
    mine.put = item.put;
    for (std::size_t i = 0; i < item.header_digests.size(); ++i) {
      mine.header_digests.push_back(item.header_digests[i]);
    }
    OpenPut& put = open_puts_[open_puts_.find(item.put)];
    put.publishing = true;
    for (const PlacedReplica& replica : put.replicas) {
      seal(id, replica);
    }
  }
}

void StateMachine::seal(const base::PutId& id, const PlacedReplica& replica) {
  Group& group = groups_.at(id);
  const std::pair slot{replica.segment, replica.slot};
  if (!to_seal_.emplace(slot, ToSeal{replica.generation, id, 0}).second) {
    group.failed = true;  // its node has never answered for the one that was here before
    return;
  }
  ++group.owing;
  held_owing_ += group.items.empty() ? 1 : 0;
  tell_to_publish_ = true;
}

// Those that have not been told in the present session of their node.
void StateMachine::tell_to_publish() {
  if (!std::exchange(tell_to_publish_, false)) {
    return;
  }
  for (auto at = to_seal_.begin(); at != to_seal_.end();) {
    const SegmentIndex index = at->first.first;
    const Segment& segment = *segments_.get(index);
    protocol::Publish message{segment.id, epoch_, {}};
    for (; at != to_seal_.end() && at->first.first == index && message.items.size() < kItemsMax;
         ++at) {
      if (segment.alive() &&
          std::exchange(at->second.told, segment.node.session) != segment.node.session) {
        message.items.push_back({at->first.second, at->second.generation});
      }
    }
    if (!message.items.empty()) {
      send(segment.node.session, Method::kPublish, message);
    }
  }
}

void StateMachine::published(SegmentIndex index, const protocol::Published& message, Time now) {
  for (const protocol::PublishedItem& item : message.items) {
    const std::pair slot{index, item.slot};
    const auto found = to_seal_.find(slot);
    if (found == to_seal_.end() || found->second.generation != item.generation) {
      continue;  // a repeat
    }
    const base::PutId id = found->second.group;
    to_seal_.erase(found);
    Group& group = groups_.at(id);
    --group.owing;
    if (!group.items.empty()) {
      // One that was removed meanwhile does not hinder the others; one that is damaged does.
      group.failed =
          group.failed ||
          (!item.sealed &&
           std::any_of(group.items.begin(), group.items.end(), [&](const Group::Item& mine) {
             const OpenPut& put = open_puts_[open_puts_.find(mine.put)];
             return !put.cancelled &&
                    std::any_of(put.replicas.begin(), put.replicas.end(), [&](const auto& replica) {
                      return std::pair{replica.segment, replica.slot} == slot;
                    });
           }));
      if (group.owing == 0) {
        end_group(id, now);
      }
      continue;
    }
    --held_owing_;
    group.held.at(slot).is_sealed = item.sealed;
    if (group.owing == 0) {
      end_held(id, now);
    }
  }
}

// The nodes have answered for all that has been reported of the group.
void StateMachine::end_held(const base::PutId& id, Time now) {
  Group group = std::move(groups_.extract(id).mapped());
  for (auto& [slot, held] : group.held) {
    if (held.is_sealed) {
      adopt(held.object, std::move(held.replica), now);
    } else {
      segments_.reclaim(std::move(held.replica));
    }
  }
}

// Every slot is sealed: all enter the directory at once. Or one was lost, and none does.
void StateMachine::end_group(const base::PutId& id, Time now) {
  const Group group = std::move(groups_.extract(id).mapped());
  protocol::PutFinishView finish;
  for (const Group::Item& item : group.items) {
    open_puts_[open_puts_.find(item.put)].publishing = false;
    finish.items.push_back(
        {item.put,
         true,
         {reinterpret_cast<const char*>(item.header_digests.data()), item.header_digests.size()}});
  }
  finish_puts(group.session, group.request, group.client, finish, !group.failed, group.deadline,
              now);
}

// Who waits is answered at its deadline; the group goes on.
void StateMachine::expire_groups(Time now) {
  std::vector<base::PutId> done;
  for (auto& [id, group] : groups_) {
    if (group.owing == 0 && (!group.items.empty() || group.is_whole)) {
      done.push_back(id);
    } else if (group.deadline <= now && group.request != 0) {
      reply(group.session, Method::kPutFinish, std::exchange(group.request, 0),
            protocol::Statuses{std::vector(group.items.size(), Status::kUnknown)});
    }
  }
  for (const base::PutId& id : done) {
    groups_.at(id).items.empty() ? end_held(id, now) : end_group(id, now);
  }
}

// A prepared object that a node has reported.
void StateMachine::hold(const protocol::RecoveredObject& object, PlacedReplica replica) {
  if (object.group.index >= object.group.count || object.group.count > Limits::kBatchKeys ||
      object.put.sequence <= object.group.index) {
    return segments_.reclaim(std::move(replica));
  }
  const base::PutId id = group_id(object.put, object.group);
  Group& group = groups_[id];
  if (group.count == 0 && group.items.empty()) {
    group.count = object.group.count;
    for (std::uint16_t i = 0; i < group.count && !group.is_whole; ++i) {
      group.is_whole = directory_.find_put({object.put.epoch, id.sequence + i}) != kNone;
    }
  }
  const std::pair slot{replica.segment, replica.slot};
  if (group.count != object.group.count || group.held.contains(slot)) {
    return segments_.reclaim(std::move(replica));
  }
  ++group.replicas[object.group.index];
  const auto added = group.held.emplace(slot, Group::Held{object, std::move(replica)});
  if (group.is_whole) {
    return seal(id, added.first->second.replica);
  }
  if (group.replicas.size() == group.count || options_.faults.publishes_half) {
    publish_held(id);
  }
}

void StateMachine::publish_held(const base::PutId& id) {
  const auto found = groups_.find(id);
  if (found == groups_.end() || std::exchange(found->second.is_whole, true)) {
    return;
  }
  for (const auto& [slot, held] : found->second.held) {
    seal(id, held.replica);
  }
}

// The segment goes, and what was prepared there.
void StateMachine::drop_from_groups(SegmentIndex index) {
  std::erase_if(to_seal_, [&](const auto& entry) {
    const bool goes = entry.first.first == index;
    if (goes) {
      Group& group = groups_.at(entry.second.group);
      --group.owing;
      held_owing_ -= group.items.empty() ? 1 : 0;
    }
    return goes;
  });
  for (auto at = groups_.begin(); at != groups_.end();) {
    Group& group = at->second;
    for (const Group::Item& item : group.items) {
      const auto& replicas = open_puts_[open_puts_.find(item.put)].replicas;
      group.failed = group.failed ||
                     std::any_of(replicas.begin(), replicas.end(),
                                 [&](const auto& replica) { return replica.segment == index; });
    }
    std::erase_if(group.held, [&](const auto& entry) {
      const bool goes = entry.first.first == index;
      if (goes && --group.replicas[entry.second.object.group.index] == 0) {
        group.replicas.erase(entry.second.object.group.index);
      }
      return goes;
    });
    at = group.items.empty() && group.held.empty() ? groups_.erase(at) : std::next(at);
  }
}

// Every node has reported: what has not proved to be published was never acknowledged.
void StateMachine::take_back_held() {
  for (auto at = groups_.begin(); at != groups_.end();) {
    Group& group = at->second;
    if (!group.items.empty() || group.is_whole) {
      ++at;
      continue;
    }
    for (auto& [slot, held] : group.held) {
      segments_.reclaim(std::move(held.replica));
    }
    at = groups_.erase(at);
  }
}

}  // namespace aquifer::meta
