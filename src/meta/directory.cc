#include "meta/directory.h"

#include "base/check.h"

namespace aquifer::meta {

ObjectIndex Directory::find(const base::Hash128& hash) const {
  const auto found = by_hash_.find(hash);
  return found == by_hash_.end() ? kNone : found->second;
}

ObjectIndex Directory::find_put(const base::PutId& put) const {
  const auto found = by_put_.find(put);
  return found == by_put_.end() ? kNone : found->second;
}

ReplicaIndex Directory::find_slot(SegmentIndex segment, std::uint32_t slot,
                                  std::uint64_t generation) const {
  const auto found = by_slot_.find(slot_key(segment, slot));
  return found == by_slot_.end() || replicas_[found->second].generation != generation
             ? kNone
             : found->second;
}

ObjectIndex Directory::add(const base::Hash128& hash, const base::PutId& put,
                           std::uint64_t value_bytes) {
  ObjectIndex index = static_cast<ObjectIndex>(objects_.size());
  if (free_objects_.empty()) {
    objects_.emplace_back();
  } else {
    index = free_objects_.back();
    free_objects_.pop_back();
  }
  AQ_CHECK(by_hash_.emplace(hash, index).second);
  by_put_.emplace(put, index);
  objects_[index] = {hash, put, value_bytes, kNone, false};
  return index;
}

void Directory::add_replica(ObjectIndex object, SegmentIndex segment, std::uint32_t slot,
                            std::uint64_t generation, std::uint64_t header_digest,
                            std::vector<pool::Extent> extents, const base::Hash128& parent,
                            Time now) {
  ReplicaIndex index = static_cast<ReplicaIndex>(replicas_.size());
  if (free_replicas_.empty()) {
    replicas_.emplace_back();
  } else {
    index = free_replicas_.back();
    free_replicas_.pop_back();
  }
  ReplicaRecord& record = replicas_[index];
  record = {generation, header_digest, std::move(extents), segment, slot, object, kNone};
  AQ_CHECK(by_slot_.emplace(slot_key(segment, slot), index).second);
  // Behind the others, so that the order of the put stays the order of reading.
  ReplicaIndex* link = &objects_[object].first_replica;
  while (*link != kNone) {
    link = &replicas_[*link].next;
  }
  *link = index;
  policy_.added(segment, index, {objects_[object].hash, parent, objects_[object].value_bytes}, now);
}

void Directory::touch(ObjectIndex object, Time now) {
  if (objects_[object].pinned) {
    return;
  }
  for (ReplicaIndex at = objects_[object].first_replica; at != kNone; at = replicas_[at].next) {
    policy_.used(replicas_[at].segment, at, now);
  }
}

void Directory::pin(ObjectIndex object) {
  ObjectRecord& record = objects_[object];
  for (ReplicaIndex at = record.first_replica; at != kNone && !record.pinned;
       at = replicas_[at].next) {
    policy_.removed(replicas_[at].segment, at);
  }
  record.pinned = true;
}

void Directory::unpin(ObjectIndex object, Time now) {
  ObjectRecord& record = objects_[object];
  for (ReplicaIndex at = record.first_replica; at != kNone && record.pinned;
       at = replicas_[at].next) {
    policy_.added(replicas_[at].segment, at, {record.hash, {}, record.value_bytes}, now);
  }
  record.pinned = false;
}

DroppedReplica Directory::drop_replica(ReplicaIndex replica) {
  ReplicaRecord& record = replicas_[replica];
  const ObjectIndex object = record.object;
  ReplicaIndex* link = &objects_[object].first_replica;
  while (*link != replica) {
    link = &replicas_[*link].next;
  }
  *link = record.next;
  if (!objects_[object].pinned) {
    policy_.removed(record.segment, replica);
  }
  by_slot_.erase(slot_key(record.segment, record.slot));
  DroppedReplica dropped{record.segment, record.slot, record.generation, std::move(record.extents)};
  record = {};
  free_replicas_.push_back(replica);
  if (objects_[object].first_replica == kNone) {
    forget(object);
  }
  return dropped;
}

void Directory::forget(ObjectIndex object) {
  by_hash_.erase(objects_[object].hash);
  by_put_.erase(objects_[object].put);
  objects_[object] = {};
  free_objects_.push_back(object);
}

std::vector<DroppedReplica> Directory::drop(ObjectIndex object) {
  std::vector<DroppedReplica> dropped;
  for (ReplicaIndex at = objects_[object].first_replica; at != kNone;) {
    const ReplicaIndex next = replicas_[at].next;
    dropped.push_back(drop_replica(at));
    at = next;
  }
  return dropped;
}

void Directory::drop_segment(SegmentIndex segment) {
  for (ReplicaIndex at = 0; at < replicas_.size(); ++at) {
    if (replicas_[at].object != kNone && replicas_[at].segment == segment) {
      drop_replica(at);
    }
  }
}

}  // namespace aquifer::meta
