// The segments that nodes have brought: their granted and free space, what is being taken back,
// what is in limbo, and the nodes they belong to. Plain state: effects are collected and fetched by
// the state machine.
//
// A slot that meta wants back is *retiring* from the moment the node is told until the node
// answers: with a new generation (its space is free again) or with limbo (a writer may still write;
// the space waits).
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "aquifer/types.h"
#include "meta/directory.h"
#include "meta/space.h"
#include "protocol/messages.h"

namespace aquifer::meta {

using SessionId = std::uint64_t;
using RemoveId = std::uint64_t;

struct Node {
  base::NodeId id{};
  std::string name;
  std::string address;
  std::string unix_name;
  std::string host;
  std::string zone;  ///< what it shares the fate of; empty: of no other node
  std::uint64_t process = 0;
  SessionId session = 0;  ///< 0: lost
  bool suspect = false;   ///< connected, but not heard of for a while: nothing new is placed there
  bool lost = false;      ///< away for longer than the grace time
  bool lasts = false;     ///< its memory survives its process
  Time last_heard{};
  Time lost_since{};
  TransportBytes read{};
  TransportBytes written{};
};

struct Retiring {
  std::uint64_t generation = 0;
  Extents extents;
  bool limbo = false;
  base::Hash128 hash{};           ///< of the key
  std::vector<RemoveId> waiting;  ///< removes that are answered when no reader can get it any more
};

struct Segment {
  base::SegmentId id{};
  Node node;
  Space space;
  bool draining = false;       ///< what lies here moves to other nodes
  bool told_to_leave = false;  ///< it was empty
  struct {
    std::uint64_t moved = 0;
    std::uint64_t given_up = 0;
  } drain;                      ///< objects, since the drain began
  std::int64_t credit = 0;      ///< units that it may take before it is another node's turn
  bool recovering = false;      ///< what lies in it is being reported: nothing is placed there
  std::uint32_t units_max = 0;  ///< units of its data area, less when its memory ran out
  std::uint32_t granted_units = 0;
  std::uint32_t asked_units = 0;  ///< wanted of the node, in all
  std::uint32_t told_units = 0;   ///< and what the node was told of that
  std::uint32_t slots_max = 0;
  std::uint32_t granted_slots = 0;
  std::uint32_t asked_slots = 0;
  std::uint32_t told_slots = 0;
  std::uint64_t capacity_units = 0;  ///< as shown: units_max
  std::uint64_t used_units = 0;      ///< of open, committed and retiring replicas, limbo apart
  std::uint64_t limbo_units = 0;
  std::uint64_t pinned_units = 0;    ///< of the used ones
  std::uint64_t views = 0;           ///< open on its host, as the node last said
  std::uint64_t retiring_units = 0;  ///< on their way back
  std::unordered_map<std::uint32_t, Retiring> retiring;  ///< by slot
  std::vector<protocol::ReclaimItem> to_reclaim;         ///< not yet told to the node

  bool alive() const { return node.session != 0; }
  bool can_grow() const { return granted_units < units_max; }
  /// Neither used nor in limbo; counted apart from them.
  std::uint64_t free_units() const {
    return space.free_units() + (units_max - std::min(granted_units, units_max));
  }
};

/// The watermarks of background eviction, per node: it begins when less than `low_bytes` are free,
/// and ends when `high_bytes` are. A small node keeps these shares of its space at most.
struct Reserve {
  std::uint64_t low_bytes = std::uint64_t{48} << 20;
  std::uint64_t high_bytes = std::uint64_t{64} << 20;
  double low_share = 1.0 / 64;
  double high_share = 1.0 / 32;
};

class Segments {
 public:
  /// Told of every replica that is evicted; may be empty.
  using OnEvicted =
      std::function<void(base::SegmentId, std::uint32_t slot, std::uint64_t generation)>;
  Segments(Directory& directory, EvictionPolicy& policy, const Reserve& reserve,
           OnEvicted on_evicted = {})
      : directory_(directory),
        policy_(policy),
        reserve_(reserve),
        on_evicted_(std::move(on_evicted)) {}

  Segment* get(SegmentIndex index) {
    return index < table_.size() && table_[index] ? &*table_[index] : nullptr;
  }
  SegmentIndex find(base::SegmentId id) const;
  SegmentIndex find_node(base::NodeId id) const;
  SegmentIndex find_name(std::string_view name) const;
  SegmentIndex find_session(SessionId session) const;

  SegmentIndex add(Segment segment);
  /// Forgets a segment and all replicas in it; the removes that waited for it.
  std::vector<RemoveId> drop(SegmentIndex index);

  template <class Visit>  // visit(SegmentIndex, Segment&)
  void for_each(Visit visit) {
    for (SegmentIndex index = 0; index < table_.size(); ++index) {
      if (table_[index]) {
        visit(index, *table_[index]);
      }
    }
  }
  template <class Visit>  // visit(SegmentIndex, const Segment&)
  void for_each(Visit visit) const {
    for (SegmentIndex index = 0; index < table_.size(); ++index) {
      if (table_[index]) {
        visit(index, *table_[index]);
      }
    }
  }
  bool any_alive() const;
  bool any_limbo() const;

  // A report (recovery.cc): what is granted begins as limbo, and leaves it as the node names it.
  /// The replica of a reported object; nothing, and no change, when the report cannot be true.
  std::optional<PlacedReplica> take_from_limbo(SegmentIndex index,
                                               const protocol::RecoveredObject& object);
  void adopt_limbo(SegmentIndex index, const protocol::RecoveredLimbo& limbo);
  void adopt_slot(SegmentIndex index, const protocol::RecoveredSlot& slot);
  void adopt_free(SegmentIndex index, std::span<const protocol::Run> runs);

  /// Places one object: `replicas` distinct nodes, of distinct zones as far as there are such, the
  /// preferred one first where it has room; none of `holders`, and none of their zones where there
  /// is a choice. False, and nothing is kept, when it cannot be done now. `placed` comes empty.
  bool place(std::uint32_t units, unsigned replicas, std::string_view preferred,
             std::vector<PlacedReplica>& placed, std::span<const SegmentIndex> holders = {});

  /// Starts what is needed to place one more replica on a node that is none of `holders`; evicts
  /// only what is worth less than this. False when nothing can be done.
  bool make_room_beside(std::uint32_t units, std::span<const SegmentIndex> holders,
                        std::uint64_t worth);

  /// Starts what is needed so that place() will succeed: grants, evictions. False when nothing can
  /// be done or is under way.
  bool make_room(std::uint32_t units, unsigned replicas);

  /// Keeps the reserve: grants ahead of need, evictions ahead of need.
  void keep_reserve();

  /// Takes a slot back. `waiting` (0: none) is told when no reader can get it and no writer seal
  /// it.
  void reclaim(PlacedReplica replica, RemoveId waiting = 0);
  /// The same for a slot that may be on its way back already; false when nothing is to be waited
  /// for.
  bool wait_for(SegmentIndex index, std::uint32_t slot, std::uint64_t generation, RemoveId waiting);

  /// The same for all that is left of a key and no node has confirmed yet: removed, replaced or
  /// evicted before, it can still be read where its node has not heard of it. Their number.
  std::uint32_t wait_for_leaving(const base::Hash128& hash, RemoveId waiting);

  /// What a node says. The removes that need not wait any longer.
  std::vector<RemoveId> reclaimed(SegmentIndex index, const protocol::Reclaimed& message,
                                  bool reuse_limbo);
  void granted(SegmentIndex index, const protocol::Granted& message);

  /// All retiring slots are told to the node again (it came back).
  void repeat_reclaims(SegmentIndex index);

  /// What has to be told to a node: filled by the calls above, emptied by the caller.
  std::optional<protocol::Reclaim> take_reclaims(SegmentIndex index, std::uint64_t epoch);
  std::optional<protocol::GrantMore> take_grant_request(SegmentIndex index, std::uint64_t epoch);

  std::uint64_t evictions() const { return evictions_; }

 private:
  struct Candidate {
    SegmentIndex index = kNone;
    bool suspect = false;
    bool preferred = false;
    bool has_had_enough = false;
    double free_share = 0;
    bool is_worse_than(const Candidate& other) const;
  };
  const std::vector<Candidate>& candidates(std::uint32_t units, std::string_view preferred);
  void give_back(std::vector<PlacedReplica>& placed);
  void confirmed(SegmentIndex index, std::uint32_t slot, const base::Hash128& hash);
  void spread(std::uint32_t units, std::span<const PlacedReplica> placed);
  bool make_room_in(SegmentIndex index, std::uint32_t units);
  void evict_one(SegmentIndex index);
  static std::uint64_t reserve_units(const Segment& segment, std::uint64_t bytes, double share);
  void ask_for(Segment& segment, std::uint64_t units, std::uint64_t slots);

  Directory& directory_;
  EvictionPolicy& policy_;
  const Reserve reserve_;
  const OnEvicted on_evicted_;
  std::vector<std::optional<Segment>> table_;
  struct Leaving {
    SegmentIndex segment = kNone;
    std::uint32_t slot = 0;
    bool operator==(const Leaving&) const = default;
  };
  std::unordered_multimap<base::Hash128, Leaving> leaving_;  ///< retiring, and not confirmed
  std::vector<Candidate> candidates_;  ///< of the latest question, to use its memory again
  std::uint64_t evictions_ = 0;
};

}  // namespace aquifer::meta
