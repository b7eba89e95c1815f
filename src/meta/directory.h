// The directory: which committed objects there are, where their replicas lie, and which of them are
// pinned. Keys are known here by their keyed 128-bit hash only; the full key stands in the object's
// header, where every reader compares it. Tells the eviction policy of all that may be evicted. Not
// here: open puts (puts.h), free space (space.h), any decision (state_machine.h).
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "base/flat_map.h"
#include "base/ids.h"
#include "meta/eviction.h"
#include "pool/segment.h"

namespace aquifer::meta {

using ObjectIndex = std::uint32_t;

struct ReplicaRecord {
  std::uint64_t generation = 0;
  std::uint64_t header_digest = 0;
  std::vector<pool::Extent> extents;
  SegmentIndex segment = kNone;
  std::uint32_t slot = 0;
  ObjectIndex object = kNone;
  ReplicaIndex next = kNone;  ///< of the same object
};

struct ObjectRecord {
  base::Hash128 hash{};
  base::PutId put{};
  std::uint64_t value_bytes = 0;
  ReplicaIndex first_replica = kNone;
  bool pinned = false;
};

/// What a replica held, once it is out of the directory.
struct DroppedReplica {
  SegmentIndex segment = kNone;
  std::uint32_t slot = 0;
  std::uint64_t generation = 0;
  std::vector<pool::Extent> extents;
};

class Directory {
 public:
  /// The policy outlives the directory.
  explicit Directory(EvictionPolicy& policy) : policy_(policy) {}

  ObjectIndex find(const base::Hash128& hash) const;
  ObjectIndex find_put(const base::PutId& put) const;
  const ObjectRecord& object(ObjectIndex index) const { return objects_[index]; }
  const ReplicaRecord& replica(ReplicaIndex index) const { return replicas_[index]; }
  std::uint64_t objects() const { return by_hash_.size(); }

  /// Adds an object without replicas. Requires that its hash is not there.
  ObjectIndex add(const base::Hash128& hash, const base::PutId& put, std::uint64_t value_bytes);
  void add_replica(ObjectIndex object, SegmentIndex segment, std::uint32_t slot,
                   std::uint64_t generation, std::uint64_t header_digest,
                   std::vector<pool::Extent> extents, const base::Hash128& parent, Time now);

  /// The object was used.
  void touch(ObjectIndex object, Time now);

  /// While it is pinned, the policy does not see an object.
  void pin(ObjectIndex object);
  void unpin(ObjectIndex object, Time now);

  /// The replica in a slot; kNone when there is none of this generation.
  ReplicaIndex find_slot(SegmentIndex segment, std::uint32_t slot, std::uint64_t generation) const;

  /// Takes one replica out; the object goes with its last one.
  DroppedReplica drop_replica(ReplicaIndex replica);
  /// Takes an object out with all its replicas.
  std::vector<DroppedReplica> drop(ObjectIndex object);
  /// Takes out all replicas of a segment.
  void drop_segment(SegmentIndex segment);

 private:
  void forget(ObjectIndex object);
  static std::uint64_t slot_key(SegmentIndex segment, std::uint32_t slot) {
    return std::uint64_t{segment} << 32 | slot;
  }

  EvictionPolicy& policy_;
  std::vector<ObjectRecord> objects_;
  std::vector<ObjectIndex> free_objects_;
  std::vector<ReplicaRecord> replicas_;
  std::vector<ReplicaIndex> free_replicas_;
  base::FlatMap<base::Hash128, ObjectIndex> by_hash_;
  base::FlatMap<base::PutId, ObjectIndex> by_put_;
  base::FlatMap<std::uint64_t, ReplicaIndex> by_slot_;
};

}  // namespace aquifer::meta
