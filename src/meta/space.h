// Free space of one segment, as meta sees it: runs of granted units and granted slots. An object
// may take several runs, so space that adds up can be used however it is cut; only when it is cut
// into more than pool::kExtentsMax runs for one object does eviction have to make a larger one.
// What large objects take begins at multiples of kLargeAlignment, where copies run best; the few
// units in front stay for small ones.
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
  /// Adds granted units (a run that is free now) or a granted slot.
  void add_units(pool::Extent run);
  void add_slot(FreeSlot slot) { slots_.push_back(slot); }

  /// Takes a slot and runs of `units` in all: one run where one is large enough (the smallest
  /// such), else the largest ones. Nothing is taken when there is no slot, too few units, or they
  /// are cut too small.
  std::optional<Placement> take(std::uint32_t units);

  std::uint64_t free_units() const { return free_units_; }
  std::size_t free_slots() const { return slots_.size(); }
  std::size_t runs() const { return by_start_.size(); }

 private:
  void insert(std::uint32_t first, std::uint32_t units);
  void erase(std::map<std::uint32_t, std::uint32_t>::iterator run);
  using BySize = std::set<std::pair<std::uint32_t, std::uint32_t>>;
  BySize::iterator smallest_that_fits(std::uint32_t units, std::uint32_t alignment);
  std::optional<std::vector<std::uint32_t>> largest_runs(std::uint32_t units,
                                                         std::uint32_t alignment) const;
  pool::Extent cut(BySize::iterator run, std::uint32_t units, std::uint32_t alignment);

  std::map<std::uint32_t, std::uint32_t> by_start_;  ///< first unit -> units; neighbours are merged
  BySize by_size_;                                   ///< (units, first unit)
  std::vector<FreeSlot> slots_;
  std::uint64_t free_units_ = 0;
};

}  // namespace aquifer::meta
