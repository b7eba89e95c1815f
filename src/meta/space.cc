#include "meta/space.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "base/check.h"

namespace aquifer::meta {

Space& Space::operator=(Space&& other) noexcept {
  other.put_in_order();
  by_end_ = std::move(other.by_end_);
  by_size_ = std::move(other.by_size_);
  at_hand_ = by_end_.end();
  slots_ = std::move(other.slots_);
  free_units_ = std::exchange(other.free_units_, 0);
  return *this;
}

void Space::insert(std::uint32_t first, std::uint32_t end) {
  by_end_.emplace(end, first);
  by_size_.emplace(end - first, first);
}

void Space::erase(ByEnd::iterator run) {
  if (run == at_hand_) {
    at_hand_ = by_end_.end();
  } else {
    by_size_.erase({run->first - run->second, run->second});
  }
  by_end_.erase(run);
}

// The run at hand becomes one like the others.
void Space::put_in_order() {
  if (at_hand_ != by_end_.end()) {
    by_size_.emplace(at_hand_->first - at_hand_->second, at_hand_->second);
    at_hand_ = by_end_.end();
  }
}

void Space::add_units(pool::Extent run) {
  AQ_CHECK(run.units > 0);
  free_units_ += run.units;
  std::uint32_t first = run.first_unit;
  std::uint32_t end = run.first_unit + run.units;
  const auto next = by_end_.upper_bound(first);
  AQ_CHECK(next == by_end_.end() || next->second >= end);  // freed twice otherwise
  if (next != by_end_.begin() && std::prev(next)->first == first) {
    first = std::prev(next)->second;
    erase(std::prev(next));
  }
  if (next != by_end_.end() && next->second == end) {
    end = next->first;
    erase(next);
  }
  insert(first, end);
}

namespace {

std::uint32_t align_up(std::uint32_t unit, std::uint32_t alignment) {
  return (unit + alignment - 1) / alignment * alignment;
}

// What is left of a run behind its first aligned unit.
std::uint32_t aligned_units(std::uint32_t units, std::uint32_t first, std::uint32_t alignment) {
  const std::uint32_t skipped = align_up(first, alignment) - first;
  return units > skipped ? units - skipped : 0;
}

}  // namespace

// Takes up to `units` units of a run, from its first aligned unit on. What is left behind them is
// the run at hand.
pool::Extent Space::cut(ByEnd::iterator run, std::uint32_t units, std::uint32_t alignment) {
  const auto [end, first] = *run;
  const std::uint32_t start = align_up(first, alignment);
  const std::uint32_t taken = std::min(units, aligned_units(end - first, first, alignment));
  free_units_ -= taken;
  if (run != at_hand_) {
    put_in_order();
    by_size_.erase({end - first, first});
  }
  if (start > first) {
    insert(first, start);
  }
  run->second = start + taken;
  at_hand_ = run;
  if (run->second == end) {
    erase(run);
  }
  return {start, taken};
}

std::uint32_t Space::units_at_hand() const {
  return at_hand_ == by_end_.end() ? 0 : at_hand_->first - at_hand_->second;
}

// True when the run at hand can be cut as it lies, and none in order is smaller and would do.
bool Space::at_hand_is_best(std::uint32_t units, std::uint32_t alignment) const {
  if (units_at_hand() < units || at_hand_->second % alignment != 0) {
    return false;
  }
  const auto other = by_size_.lower_bound({units, 0});
  return other == by_size_.end() || other->first >= units_at_hand();
}

Space::BySize::iterator Space::smallest_that_fits(std::uint32_t units, std::uint32_t alignment) {
  auto run = by_size_.lower_bound({units, 0});
  // A run that is longer by an alignment fits wherever it begins; of those between a few are tried.
  constexpr int kTries = 16;
  for (int i = 0; i < kTries && run != by_size_.end() && run->first < units + alignment - 1; ++i) {
    if (aligned_units(run->first, run->second, alignment) >= units) {
      return run;
    }
    ++run;
  }
  return by_size_.lower_bound({units + alignment - 1, 0});
}

std::optional<Placement> Space::take(std::uint32_t units) {
  if (slots_.empty() || units == 0 || free_units_ < units) {
    return std::nullopt;
  }
  const std::uint32_t alignment = units >= kLargeUnits ? kLargeAlignment : 1;
  Placement placement;
  if (at_hand_is_best(units, alignment)) {
    placement.extents.push_back(cut(at_hand_, units, alignment));
  } else {
    put_in_order();
    const auto run_at = [&](std::uint32_t first) { return by_end_.upper_bound(first); };
    if (const auto fitting = smallest_that_fits(units, alignment); fitting != by_size_.end()) {
      placement.extents.push_back(cut(run_at(fitting->second), units, alignment));
    } else if (const auto runs = largest_runs(units, alignment)) {
      for (const std::uint32_t first : *runs) {
        const pool::Extent extent = cut(run_at(first), units, alignment);
        placement.extents.push_back(extent);
        units -= extent.units;
      }
    } else {
      return std::nullopt;
    }
  }
  placement.slot = slots_.back();
  slots_.pop_back();
  return placement;
}

// The first units of the largest runs that hold as many together; nothing when that takes too many.
std::optional<std::vector<std::uint32_t>> Space::largest_runs(std::uint32_t units,
                                                              std::uint32_t alignment) const {
  std::vector<std::uint32_t> firsts;
  std::uint64_t held = 0;
  for (auto run = by_size_.rbegin();
       run != by_size_.rend() && held < units && firsts.size() < pool::kExtentsMax; ++run) {
    // All but the last run are used up: whole alignments, so that the next one continues aligned.
    const std::uint32_t usable = aligned_units(run->first, run->second, alignment);
    if (usable == 0) {
      break;
    }
    firsts.push_back(run->second);
    held += usable;
  }
  return held >= units ? std::optional(std::move(firsts)) : std::nullopt;
}

}  // namespace aquifer::meta
