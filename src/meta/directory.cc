#include "meta/directory.h"

#include <utility>

#include "base/check.h"

namespace aquifer::meta {

using base::short_hash;

namespace {

constexpr std::uint64_t kGenerationMax = (std::uint64_t{1} << 44) - 1;

}  // namespace

ObjectIndex Directory::find(const base::Hash128& hash) const {
  return by_hash_.find(short_hash(hash),
                       [&](ObjectIndex object) { return records_[object].hash == hash; });
}

void Directory::find(std::span<const base::Hash128> hashes, std::span<ObjectIndex> objects) const {
  for (const base::Hash128& hash : hashes) {
    by_hash_.prefetch(short_hash(hash));
  }
  for (std::size_t i = 0; i < hashes.size(); ++i) {
    objects[i] = by_hash_.guess(short_hash(hashes[i]));
    if (objects[i] != kNone) {
      __builtin_prefetch(&records_[objects[i]]);
    }
  }
  for (std::size_t i = 0; i < hashes.size(); ++i) {
    if (objects[i] != kNone && records_[objects[i]].hash != hashes[i]) {
      objects[i] = find(hashes[i]);
    }
  }
}

ObjectIndex Directory::find_put(const base::PutId& put) const {
  return by_put_.find(short_hash(put.sequence),
                      [&](ObjectIndex object) { return put_of(object) == put; });
}

ReplicaIndex Directory::find_slot(SegmentIndex segment, std::uint32_t slot,
                                  std::uint64_t generation) const {
  if (segment >= by_slot_.size() || slot >= by_slot_[segment].size()) {
    return kNone;
  }
  const ReplicaIndex replica = by_slot_[segment][slot].replica;
  return replica != kNone && records_[replica].generation == generation ? replica : kNone;
}

ReplicaIndex Directory::new_record() {
  if (free_ != kNone) {
    return std::exchange(free_, records_[free_].next);
  }
  const auto index = static_cast<ReplicaIndex>(records_.size());
  AQ_CHECK(index != kNone);
  records_.grow_to(records_.size() + 1);
  return index;
}

ReplicaIndex Directory::put_in(const NewObject& object, std::uint16_t epoch,
                               PlacedReplica&& replica, std::uint64_t header_digest) {
  const ReplicaIndex index = new_record();
  ReplicaRecord& record = records_[index];
  record.hash = object.hash;
  record.sequence = object.put.sequence;
  record.header_digest = header_digest;
  record.generation = replica.generation & kGenerationMax;
  record.epoch = epoch & (Epochs::kMax - 1);
  record.wanted_beside = (object.wanted - 1) & 7;
  record.of_group = object.of_group ? 1 : 0;
  record.pinned = 0;
  record.extents = std::move(replica.extents);
  record.value_bytes = static_cast<std::uint32_t>(object.value_bytes);
  record.segment = replica.segment;
  record.slot = replica.slot;
  record.next = kNone;
  if (replica.segment >= by_slot_.size()) {
    by_slot_.resize(replica.segment + 1);
  }
  by_slot_[replica.segment].grow_to(std::size_t{replica.slot} + 1);
  ReplicaIndex& in_slot = by_slot_[replica.segment][replica.slot].replica;
  AQ_CHECK(in_slot == kNone);
  in_slot = index;
  return index;
}

ObjectIndex Directory::add(const NewObject& object, PlacedReplica&& replica,
                           std::uint64_t header_digest, Time now) {
  const auto epoch = epochs_.take(object.put.epoch);
  if (!epoch) {
    return kNone;
  }
  const SegmentIndex segment = replica.segment;
  const ReplicaIndex index = put_in(object, *epoch, std::move(replica), header_digest);
  policy_.added(segment, index, {object.hash, object.parent, object.value_bytes}, now);
  by_hash_.insert(short_hash(object.hash), index);
  by_put_.insert(short_hash(object.put.sequence), index);
  return index;
}

void Directory::add_replica(ObjectIndex object, PlacedReplica&& replica,
                            std::uint64_t header_digest, const base::Hash128& parent, Time now) {
  const ReplicaRecord& first = records_[object];
  const SegmentIndex segment = replica.segment;
  const NewObject known{first.hash, put_of(object), first.value_bytes,
                        parent,     first.wanted(), first.of_group != 0};
  const ReplicaIndex index =
      put_in(known, epochs_.take(known.put.epoch).value(), std::move(replica), header_digest);
  if (first.pinned) {
    records_[index].pinned = 1;
  } else {
    policy_.added(segment, index, {known.hash, parent, known.value_bytes}, now);
  }
  // Behind the others, so that the order of the put stays the order of reading.
  ReplicaIndex last = object;
  while (records_[last].next != kNone) {
    last = records_[last].next;
  }
  records_[last].next = index;
}

void Directory::touch(ObjectIndex object, Time now) {
  if (records_[object].pinned) {
    return;
  }
  for (ReplicaIndex at = object; at != kNone; at = records_[at].next) {
    policy_.used(records_[at].segment, at, now);
  }
}

void Directory::pin(ObjectIndex object) {
  for (ReplicaIndex at = object; at != kNone && !records_[at].pinned; at = records_[at].next) {
    policy_.removed(records_[at].segment, at);
    records_[at].pinned = 1;
  }
}

void Directory::unpin(ObjectIndex object, Time now) {
  for (ReplicaIndex at = object; at != kNone && records_[at].pinned; at = records_[at].next) {
    const ReplicaRecord& record = records_[at];
    policy_.added(record.segment, at, {record.hash, {}, record.value_bytes}, now);
    records_[at].pinned = 0;
  }
}

PlacedReplica Directory::drop_replica(ReplicaIndex replica) {
  ReplicaRecord& record = records_[replica];
  const ObjectIndex object = object_of(replica);
  const std::uint32_t by_hash = short_hash(record.hash);
  const std::uint32_t by_put = short_hash(record.sequence);
  if (object != replica) {
    ReplicaIndex before = object;
    while (records_[before].next != replica) {
      before = records_[before].next;
    }
    records_[before].next = record.next;
  } else if (record.next != kNone) {
    by_hash_.replace(by_hash, object, record.next);
    by_put_.replace(by_put, object, record.next);
  } else {
    by_hash_.erase(by_hash, object);
    by_put_.erase(by_put, object);
  }
  if (!record.pinned) {
    policy_.removed(record.segment, replica);
  }
  by_slot_[record.segment][record.slot].replica = kNone;
  epochs_.release(record.epoch);
  PlacedReplica dropped{record.segment, record.slot, record.generation, std::move(record.extents),
                        record.hash};
  record = {};
  record.next = std::exchange(free_, replica);
  return dropped;
}

void Directory::drop_segment(SegmentIndex segment) {
  if (segment >= by_slot_.size()) {
    return;
  }
  for (std::size_t slot = 0; slot < by_slot_[segment].size(); ++slot) {
    if (const ReplicaIndex replica = by_slot_[segment][slot].replica; replica != kNone) {
      drop_replica(replica);
    }
  }
  by_slot_[segment] = {};
}

}  // namespace aquifer::meta
