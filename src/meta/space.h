// Free space of one segment, as meta sees it: runs of granted units and granted slots. An object
// may take several runs, so space that adds up can be used however it is cut; only when it is cut
// into more than pool::kExtentsMax runs for one object does eviction have to make a larger one.
// What large objects take begins at multiples of kLargeAlignment, where copies run best; the few
// units in front stay for small ones.
//
// The run that was cut last stays at hand: the next object of its kind is cut off its front without
// a change of any order, as long as it is still the smallest run that fits.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "meta/extents.h"
#include "pool/segment.h"

namespace aquifer::meta {

/// A granted slot waiting for a put.
struct FreeSlot {
  std::uint32_t index = 0;
  std::uint64_t generation = 0;
};

/// What one replica occupies.
struct Placement {
  FreeSlot slot;
  Extents extents;
};

/// Units that hold `stored_bytes`.
constexpr std::uint32_t units_for(std::uint64_t stored_bytes) {
  return static_cast<std::uint32_t>((stored_bytes + pool::kUnitBytes - 1) / pool::kUnitBytes);
}

/// From this size on, in units, runs begin at multiples of kLargeAlignment units (4 KiB).
inline constexpr std::uint32_t kLargeUnits = 128;
inline constexpr std::uint32_t kLargeAlignment = 8;

class Space {
 public:
  Space() = default;
  // Moving a map keeps the iterators of its entries, but not that of its end.
  Space(Space&& other) noexcept { *this = std::move(other); }
  Space& operator=(Space&& other) noexcept;

  /// Adds granted units (a run that is free now) or a granted slot.
  void add_units(pool::Extent run);
  void add_slot(FreeSlot slot) { slots_.push_back(slot); }

  /// Takes a slot and runs of `units` in all: one run where one is large enough (the smallest
  /// such), else the largest ones. Nothing is taken when there is no slot, too few units, or they
  /// are cut too small.
  std::optional<Placement> take(std::uint32_t units);

  std::uint64_t free_units() const { return free_units_; }
  std::size_t free_slots() const { return slots_.size(); }
  std::size_t runs() const { return by_end_.size(); }

 private:
  using ByEnd = std::map<std::uint32_t, std::uint32_t>;  // behind its last unit -> first
  using BySize = std::set<std::pair<std::uint32_t, std::uint32_t>>;  // (units, first)

  void insert(std::uint32_t first, std::uint32_t end);
  void erase(ByEnd::iterator run);
  void put_in_order();
  std::uint32_t units_at_hand() const;
  bool at_hand_is_best(std::uint32_t units, std::uint32_t alignment) const;
  BySize::iterator smallest_that_fits(std::uint32_t units, std::uint32_t alignment);
  std::optional<std::vector<std::uint32_t>> largest_runs(std::uint32_t units,
                                                         std::uint32_t alignment) const;
  pool::Extent cut(ByEnd::iterator run, std::uint32_t units, std::uint32_t alignment);

  ByEnd by_end_;                             ///< neighbours are merged
  BySize by_size_;                           ///< all but the one at hand
  ByEnd::iterator at_hand_ = by_end_.end();  ///< cut last, and not in by_size_; end(): none
  std::vector<FreeSlot> slots_;
  std::uint64_t free_units_ = 0;
};

}  // namespace aquifer::meta
