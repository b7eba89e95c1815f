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

ReplicaIndex Directory::newest(SegmentIndex segment) const {
  return segment < order_.size() ? order_[segment].newest : kNone;
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
  objects_[index] = {hash, put, value_bytes, ++uses_, kNone};
  return index;
}

void Directory::add_replica(ObjectIndex object, SegmentIndex segment, std::uint32_t slot,
                            std::uint64_t generation, std::uint64_t header_digest,
                            std::vector<pool::Extent> extents) {
  ReplicaIndex index = static_cast<ReplicaIndex>(replicas_.size());
  if (free_replicas_.empty()) {
    replicas_.emplace_back();
  } else {
    index = free_replicas_.back();
    free_replicas_.pop_back();
  }
  ReplicaRecord& record = replicas_[index];
  record = {generation, header_digest, std::move(extents), segment, slot, object, kNone,
            kNone,      kNone};
  AQ_CHECK(by_slot_.emplace(slot_key(segment, slot), index).second);
  // Behind the others, so that the order of the put stays the order of reading.
  ReplicaIndex* link = &objects_[object].first_replica;
  while (*link != kNone) {
    link = &replicas_[*link].next;
  }
  *link = index;
  append_newest(index);
}

Directory::UseOrder& Directory::order_of(SegmentIndex segment) {
  if (segment >= order_.size()) {
    order_.resize(segment + 1);
  }
  return order_[segment];
}

void Directory::append_newest(ReplicaIndex replica) {
  UseOrder& order = order_of(replicas_[replica].segment);
  replicas_[replica].older = order.newest;
  replicas_[replica].newer = kNone;
  (order.newest == kNone ? order.oldest : replicas_[order.newest].newer) = replica;
  order.newest = replica;
}

void Directory::unlink(ReplicaIndex replica) {
  const ReplicaRecord& record = replicas_[replica];
  UseOrder& order = order_of(record.segment);
  (record.older == kNone ? order.oldest : replicas_[record.older].newer) = record.newer;
  (record.newer == kNone ? order.newest : replicas_[record.newer].older) = record.older;
}

void Directory::touch(ObjectIndex object) {
  objects_[object].last_use = ++uses_;
  for (ReplicaIndex at = objects_[object].first_replica; at != kNone; at = replicas_[at].next) {
    unlink(at);
    append_newest(at);
  }
}

ReplicaIndex Directory::oldest(SegmentIndex segment) const {
  return segment < order_.size() ? order_[segment].oldest : kNone;
}

DroppedReplica Directory::drop_replica(ReplicaIndex replica) {
  ReplicaRecord& record = replicas_[replica];
  const ObjectIndex object = record.object;
  ReplicaIndex* link = &objects_[object].first_replica;
  while (*link != replica) {
    link = &replicas_[*link].next;
  }
  *link = record.next;
  unlink(replica);
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

}  // namespace aquifer::meta
