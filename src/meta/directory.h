// The directory: which committed objects there are, where their replicas lie, and in which order
// they were used. Keys are known here by their keyed 128-bit hash only; the full key stands in the
// object's header, where every reader compares it. Not here: open puts (puts.h), free space
// (space.h), any decision (state_machine.h).
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "base/flat_map.h"
#include "base/ids.h"
#include "pool/segment.h"

namespace aquifer::meta {

using SegmentIndex = std::uint32_t;
using ObjectIndex = std::uint32_t;
using ReplicaIndex = std::uint32_t;
inline constexpr std::uint32_t kNone = UINT32_MAX;

struct ReplicaRecord {
  std::uint64_t generation = 0;
  std::uint64_t header_digest = 0;
  std::vector<pool::Extent> extents;
  SegmentIndex segment = kNone;
  std::uint32_t slot = 0;
  ObjectIndex object = kNone;
  ReplicaIndex next = kNone;   ///< of the same object
  ReplicaIndex older = kNone;  ///< in the order of use within the segment
  ReplicaIndex newer = kNone;
};

struct ObjectRecord {
  base::Hash128 hash{};
  base::PutId put{};
  std::uint64_t value_bytes = 0;
  std::uint64_t last_use = 0;  ///< number of the use, growing
  ReplicaIndex first_replica = kNone;
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
  ObjectIndex find(const base::Hash128& hash) const;
  ObjectIndex find_put(const base::PutId& put) const;
  const ObjectRecord& object(ObjectIndex index) const { return objects_[index]; }
  const ReplicaRecord& replica(ReplicaIndex index) const { return replicas_[index]; }
  std::uint64_t objects() const { return by_hash_.size(); }

  /// Adds an object without replicas, as the latest used. Requires that its hash is not there.
  ObjectIndex add(const base::Hash128& hash, const base::PutId& put, std::uint64_t value_bytes);
  void add_replica(ObjectIndex object, SegmentIndex segment, std::uint32_t slot,
                   std::uint64_t generation, std::uint64_t header_digest,
                   std::vector<pool::Extent> extents);

  /// Makes the object the latest used in all its segments.
  void touch(ObjectIndex object);

  /// The least recently used replica of a segment; kNone when it holds none.
  ReplicaIndex oldest(SegmentIndex segment) const;
  /// The most recently used one.
  ReplicaIndex newest(SegmentIndex segment) const;

  /// The replica in a slot; kNone when there is none of this generation.
  ReplicaIndex find_slot(SegmentIndex segment, std::uint32_t slot, std::uint64_t generation) const;

  /// Takes one replica out; the object goes with its last one.
  DroppedReplica drop_replica(ReplicaIndex replica);
  /// Takes an object out with all its replicas.
  std::vector<DroppedReplica> drop(ObjectIndex object);

 private:
  struct UseOrder {
    ReplicaIndex oldest = kNone;
    ReplicaIndex newest = kNone;
  };
  UseOrder& order_of(SegmentIndex segment);
  void append_newest(ReplicaIndex replica);
  void unlink(ReplicaIndex replica);
  void forget(ObjectIndex object);
  static std::uint64_t slot_key(SegmentIndex segment, std::uint32_t slot) {
    return std::uint64_t{segment} << 32 | slot;
  }

  std::vector<ObjectRecord> objects_;
  std::vector<ObjectIndex> free_objects_;
  std::vector<ReplicaRecord> replicas_;
  std::vector<ReplicaIndex> free_replicas_;
  std::vector<UseOrder> order_;  ///< by segment
  base::FlatMap<base::Hash128, ObjectIndex> by_hash_;
  base::FlatMap<base::PutId, ObjectIndex> by_put_;
  base::FlatMap<std::uint64_t, ReplicaIndex> by_slot_;
  std::uint64_t uses_ = 0;
};

}  // namespace aquifer::meta
