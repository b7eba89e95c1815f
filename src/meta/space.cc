#include "meta/space.h"

#include <algorithm>
#include <iterator>

#include "base/check.h"

namespace aquifer::meta {

void Space::insert(std::uint32_t first, std::uint32_t units) {
  by_start_.emplace(first, units);
  by_size_.emplace(units, first);
}

void Space::erase(std::map<std::uint32_t, std::uint32_t>::iterator run) {
  by_size_.erase({run->second, run->first});
  by_start_.erase(run);
}

void Space::add_units(pool::Extent run) {
  AQ_CHECK(run.units > 0);
  free_units_ += run.units;
  std::uint32_t first = run.first_unit;
  std::uint32_t units = run.units;
  auto next = by_start_.lower_bound(first);
  AQ_CHECK(next == by_start_.end() || next->first >= first + units);  // freed twice otherwise
  if (next != by_start_.begin()) {
    auto before = std::prev(next);
    AQ_CHECK(before->first + before->second <= first);
    if (before->first + before->second == first) {
      first = before->first;
      units += before->second;
      erase(before);
    }
  }
  if (next != by_start_.end() && next->first == run.first_unit + run.units) {
    units += next->second;
    erase(next);
  }
  insert(first, units);
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

// Takes up to `units` units of a run, from its first aligned unit on.
pool::Extent Space::cut(BySize::iterator run, std::uint32_t units, std::uint32_t alignment) {
  const auto [available, first] = *run;
  const std::uint32_t start = align_up(first, alignment);
  const std::uint32_t taken = std::min(units, aligned_units(available, first, alignment));
  const std::uint32_t end = start + taken;
  erase(by_start_.find(first));
  if (start > first) {
    insert(first, start - first);
  }
  if (end < first + available) {
    insert(end, first + available - end);
  }
  free_units_ -= taken;
  return {start, taken};
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
  if (const auto fitting = smallest_that_fits(units, alignment); fitting != by_size_.end()) {
    placement.extents.push_back(cut(fitting, units, alignment));
  } else if (const auto runs = largest_runs(units, alignment)) {
    for (const std::uint32_t first : *runs) {
      const auto run = by_size_.find({by_start_.at(first), first});
      const pool::Extent extent = cut(run, units, alignment);
      placement.extents.push_back(extent);
      units -= extent.units;
    }
  } else {
    return std::nullopt;
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
