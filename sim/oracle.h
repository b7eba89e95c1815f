// What has been promised in a run, and whether it is kept: hears of every call of a client, of
// every place that meta gives to a writer, of evictions and of lost memory, and ends the run with a
// Violation. It looks at the memory of segments itself, and believes nobody.
//
// A *claim* is a slot under one generation with its extents, from the moment that meta hands it to
// a writer until the node grants the slot anew. Whatever happens between, no other claim may share
// a unit with it.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "aquifer/types.h"
#include "base/ids.h"
#include "pool/segment.h"
#include "sim/content.h"
#include "sim/segment_memory.h"
#include "sim/world.h"

namespace aquifer::sim {

struct Place {
  base::SegmentId segment{};
  std::uint32_t slot = 0;
  std::uint64_t generation = 0;
  auto operator<=>(const Place&) const = default;
};

std::string key_name(std::uint32_t key);
std::uint32_t key_number(std::string_view name);

class Oracle {
 public:
  explicit Oracle(World& world) : world_(world) {}

  // Memory.
  void segment_made(const std::shared_ptr<SegmentMemory>& memory);
  /// Nothing in it will be served again.
  void segment_lost(base::SegmentId segment);

  bool has_lost_any() const { return !lost_.empty(); }

  // Meta.
  void claimed(const base::PutId& put, const Place& place, std::span<const pool::Extent> extents,
               bool is_copy);
  void evicted(const Place& place);

  /// Somebody has told the meta of this life that there was one before it. What others promise,
  /// whose nodes and clients are all new to the pool, is not judged: nothing tells them from the
  /// first meta of a fresh pool.
  void meta_is_informed(std::uint64_t meta) { informed_.emplace(meta, world_.step()); }

  // Puts. `put` numbers those of a run, from 1 on.
  std::uint32_t put_begins(std::uint32_t key, std::uint64_t bytes, PutMode mode);
  /// These are to be there together, or not at all. Their keys are of no other put.
  void group_begins(std::vector<std::uint32_t> puts) { groups_.push_back(std::move(puts)); }
  /// The writer has got a handle: one more try of this put.
  void put_got(std::uint32_t put, const base::PutId& id);
  /// What it writes lies in a slot that it still holds.
  void put_writes(std::uint32_t put, const Place& place);
  /// `crossed`: it was started by one meta and committed by the next, which does not know that it
  /// replaces, and so does not wait for the value before it to go.
  void put_ends(std::uint32_t put, Status status, bool crossed, std::uint64_t meta);
  /// Meta has answered a start of it, with or without a handle.
  void put_started(std::uint32_t put) { ++puts_[put].starts; }

  // Gets. `begun` is World::step() when it began.
  void get_delivers(std::uint32_t key, std::uint64_t begun, const base::PutId& id,
                    std::span<const std::byte> value);
  /// A part of a value, from `offset` on.
  void range_delivers(std::uint32_t key, std::uint64_t begun, const base::PutId& id,
                      std::uint64_t offset, std::span<const std::byte> part);
  /// Same generation before and after, and other bytes.
  void found_damaged(std::uint32_t key, const Place& place);

  // Removes.
  std::size_t remove_begins(std::uint32_t key);
  /// `meta`: the life of the one that has answered.
  void remove_ends(std::size_t remove, Status status, std::uint64_t meta);
  /// All nodes are back with this meta: what it answered as pending is gone, too.
  void settled(std::uint64_t meta) { settled_ = meta; }

  /// True when the key has to be readable, now that all is well again; `why` names the put.
  bool must_be_there(std::uint32_t key, std::string& why) const;

  /// The keys that are missing of groups of which others are there, neither evicted nor lost.
  std::vector<std::uint32_t> missing_of_groups(
      const std::function<bool(std::uint32_t key)>& there) const;

  std::uint64_t puts_acknowledged() const { return acknowledged_; }
  std::uint64_t gets_delivered() const { return delivered_; }
  std::uint64_t removes_done() const { return removed_; }

 private:
  struct Claim {
    base::PutId put{};
    Place place;
    std::vector<pool::Extent> extents;
    std::uint64_t since = 0;
    bool evicted = false;
  };
  struct Put {
    std::uint32_t key = 0;
    std::uint64_t bytes = 0;
    PutMode mode = PutMode::kKeep;
    std::uint64_t begun = 0;
    std::uint64_t ended = UINT64_MAX;
    Status status = Status::kUnknown;
    bool crossed = false;
    bool is_of_informed = false;  ///< its end, as the meta's answers that are judged are
    unsigned starts = 0;
    std::vector<base::PutId> tries;

    bool is_acknowledged() const { return status == Status::kOk || status == Status::kPending; }
    bool may_be_stored() const;
  };
  struct Remove {
    std::uint32_t key = 0;
    std::uint64_t begun = 0;
    std::uint64_t ended = UINT64_MAX;
    Status status = Status::kUnknown;
    std::uint64_t meta = 0;
    bool is_of_informed = false;
  };

  bool is_held(const Claim& claim) const;
  bool was_informed(std::uint64_t meta, std::uint64_t before) const {
    const auto found = informed_.find(meta);
    return found != informed_.end() && found->second < before;
  }
  const Put& put_of(std::uint32_t key, const base::PutId& id, std::span<const std::byte> value);
  void check_delivered(const Put& put, const base::PutId& id, std::uint64_t begun);
  void check_not_removed(const Put& put, const base::PutId& id, std::uint64_t begun);
  bool is_durable(const Put& put) const;
  bool is_overtaken(const Put& put, std::uint32_t number) const;
  std::string words(const Place& place) const;
  std::uint32_t number_of(const Put& put) const {
    return static_cast<std::uint32_t>(&put - puts_.data());
  }

  World& world_;
  std::map<base::SegmentId, std::shared_ptr<SegmentMemory>> segments_;
  std::map<base::SegmentId, std::map<std::uint32_t, Claim>> held_;  ///< by slot: the latest claim
  std::map<base::PutId, std::vector<Place>> places_;
  std::map<base::PutId, std::uint64_t> claimed_at_;
  std::set<base::PutId> copied_;  ///< meta has moved replicas of them
  std::set<Place> evicted_;
  std::set<base::SegmentId> lost_;
  std::map<std::uint64_t, std::uint64_t> informed_;  ///< metas by life, and since when
  std::vector<Put> puts_ = std::vector<Put>(1);
  std::vector<Remove> removes_;
  std::vector<std::vector<std::uint32_t>> groups_;
  std::uint64_t settled_ = 0;
  std::uint64_t acknowledged_ = 0;
  std::uint64_t delivered_ = 0;
  std::uint64_t removed_ = 0;
};

}  // namespace aquifer::sim
