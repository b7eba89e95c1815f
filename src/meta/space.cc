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

pool::Extent Space::cut(std::set<std::pair<std::uint32_t, std::uint32_t>>::iterator run,
                        std::uint32_t units) {
  const auto [available, first] = *run;
  const std::uint32_t taken = std::min(units, available);
  erase(by_start_.find(first));
  if (taken < available) {
    insert(first + taken, available - taken);
  }
  free_units_ -= taken;
  return {first, taken};
}

std::optional<Placement> Space::take(std::uint32_t units) {
  if (slots_.empty() || units == 0 || free_units_ < units) {
    return std::nullopt;
  }
  Placement placement;
  if (const auto fitting = by_size_.lower_bound({units, 0}); fitting != by_size_.end()) {
    placement.extents.push_back(cut(fitting, units));
  } else {
    std::uint64_t reachable = 0;
    auto run = by_size_.rbegin();
    for (std::size_t i = 0; i < pool::kExtentsMax && run != by_size_.rend(); ++i, ++run) {
      reachable += run->first;
    }
    if (reachable < units) {
      return std::nullopt;
    }
    while (units > 0) {
      placement.extents.push_back(cut(std::prev(by_size_.end()), units));
      units -= placement.extents.back().units;
    }
  }
  placement.slot = slots_.back();
  slots_.pop_back();
  return placement;
}

}  // namespace aquifer::meta
