// The directory: which committed objects there are, where their replicas lie, and which of them are
// pinned. Keys are known here by their keyed 128-bit hash only; the full key stands in the object's
// header, where every reader compares it. Tells the eviction policy of all that may be evicted. Not
// here: open puts (open_puts.h), free space (space.h), any decision (state_machine.h).
//
// One kind of record, a cache line long: a replica and what it shares with the others of its
// object. An object is the chain of its replicas, in the order in which they are to be read, and is
// named by the first one. Nearly all have just one, so a look-up costs the line of the index and
// the line of the record. Beside 64 bytes of record an object takes 8 in each of two indexes (11 to
// 21, as they are 38 to 75 % full), 4 in the table of slots, and 16 of the policy.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "aquifer/types.h"
#include "base/chunked_vector.h"
#include "base/ids.h"
#include "base/index_table.h"
#include "meta/epochs.h"
#include "meta/eviction.h"
#include "meta/extents.h"

namespace aquifer::meta {

/// The first replica of an object. Another one when that goes.
using ObjectIndex = ReplicaIndex;

struct alignas(64) ReplicaRecord {
  base::Hash128 hash{};        ///< of the object's key
  std::uint64_t sequence = 0;  ///< of its put; 0: the record is free
  std::uint64_t header_digest = 0;
  std::uint64_t generation : 44 = 0;
  std::uint64_t wanted_beside : 3 = 0;  ///< replicas that the put asked for, beside the first
  std::uint64_t of_group : 1 = 0;  ///< found in a report: others of its group may be still to come
  std::uint64_t epoch : 15 = 0;    ///< of its put; see Epochs
  std::uint64_t pinned : 1 = 0;    ///< all replicas of an object are, or none
  Extents extents;
  std::uint32_t value_bytes = 0;
  SegmentIndex segment = kNone;
  std::uint32_t slot = 0;
  ReplicaIndex next = kNone;  ///< of the same object, or of the free records

  unsigned wanted() const { return static_cast<unsigned>(wanted_beside) + 1; }
};
static_assert(sizeof(ReplicaRecord) == 64 && Limits::kValueBytes <= UINT32_MAX);

/// What was given to one replica: of an open put, on its way into the directory, or out of it
/// again.
struct PlacedReplica {
  SegmentIndex segment = kNone;
  std::uint32_t slot = 0;
  std::uint64_t generation = 0;
  Extents extents;
  base::Hash128 hash{};  ///< of the key that it is of; none while it is of no key
};

class Directory {
 public:
  /// The policy outlives the directory.
  explicit Directory(EvictionPolicy& policy) : policy_(policy) {}

  ObjectIndex find(const base::Hash128& hash) const;
  /// Many at once, with all their memory asked for before the first is looked at. Requires as many
  /// places as hashes.
  void find(std::span<const base::Hash128> hashes, std::span<ObjectIndex> objects) const;
  ObjectIndex find_put(const base::PutId& put) const;
  const ReplicaRecord& replica(ReplicaIndex index) const { return records_[index]; }
  base::PutId put_of(ObjectIndex object) const {
    return {epochs_[records_[object].epoch], records_[object].sequence};
  }
  std::uint64_t objects() const { return by_hash_.size(); }
  /// Records there are, unused ones among them: all replicas have numbers below.
  std::size_t records() const { return records_.size(); }
  /// True for the first replica of an object.
  bool is_object(ReplicaIndex index) const {
    return records_[index].sequence != 0 && object_of(index) == index;
  }

  struct NewObject {
    base::Hash128 hash{};
    base::PutId put{};
    std::uint64_t value_bytes = 0;
    base::Hash128 parent{};
    unsigned wanted = 1;  ///< replicas
    bool of_group = false;
  };
  /// Adds an object with its first replica. Requires that its hash is not there. kNone, and the
  /// replica is left to the caller, when its put is of one epoch too many (Epochs::kMax).
  ObjectIndex add(const NewObject& object, PlacedReplica&& replica, std::uint64_t header_digest,
                  Time now);
  /// Asks for the memory that find() and add() of such an object will look at.
  [[gnu::always_inline]] void prefetch_add(const base::Hash128& hash,
                                           const base::PutId& put) const {
    by_hash_.prefetch_insert(base::short_hash(hash));
    by_put_.prefetch_insert(base::short_hash(put.sequence));
  }
  /// Adds another replica, behind the others; pinned where they are.
  void add_replica(ObjectIndex object, PlacedReplica&& replica, std::uint64_t header_digest,
                   const base::Hash128& parent, Time now);

  /// The object was used.
  void touch(ObjectIndex object, Time now);

  /// While it is pinned, the policy does not see an object.
  void pin(ObjectIndex object);
  void unpin(ObjectIndex object, Time now);

  /// The replica in a slot; kNone when there is none of this generation.
  ReplicaIndex find_slot(SegmentIndex segment, std::uint32_t slot, std::uint64_t generation) const;
  /// True when there is a replica of any generation in the slot.
  bool is_taken(SegmentIndex segment, std::uint32_t slot) const {
    return segment < by_slot_.size() && slot < by_slot_[segment].size() &&
           by_slot_[segment][slot].replica != kNone;
  }
  /// The object that a replica belongs to.
  ObjectIndex object_of(ReplicaIndex replica) const { return find(records_[replica].hash); }

  /// Takes one replica out; the object goes with its last one.
  PlacedReplica drop_replica(ReplicaIndex replica);
  /// Takes out all replicas of a segment.
  void drop_segment(SegmentIndex segment);

 private:
  ReplicaIndex new_record();
  ReplicaIndex put_in(const NewObject& object, std::uint16_t epoch, PlacedReplica&& replica,
                      std::uint64_t header_digest);
  struct SlotUse {
    ReplicaIndex replica = kNone;
  };

  EvictionPolicy& policy_;
  Epochs epochs_;
  base::ChunkedVector<ReplicaRecord> records_;
  ReplicaIndex free_ = kNone;  ///< the first of the free records
  base::IndexTable by_hash_;   ///< objects
  base::IndexTable by_put_;    ///< objects
  /// By segment and slot. Slots are granted from the first one on, so few places stay unused.
  std::vector<base::ChunkedVector<SlotUse>> by_slot_;
};

}  // namespace aquifer::meta
