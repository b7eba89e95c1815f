// Which bytes of an open put have been written: disjoint ranges, neighbours merged. Plain state.
#pragma once

#include <cstdint>
#include <iterator>
#include <map>

namespace aquifer::client {

class WrittenRanges {
 public:
  /// Adds [first, end); false, and nothing changes, when a byte of it is there already.
  bool add(std::uint64_t first, std::uint64_t end) {
    auto next = ends_.lower_bound(first);
    if (next != ends_.end() && next->first < end) {
      return false;
    }
    if (next != ends_.begin()) {
      const auto before = std::prev(next);
      if (before->second > first) {
        return false;
      }
      if (before->second == first) {
        first = before->first;
        ends_.erase(before);
      }
    }
    if (next != ends_.end() && next->first == end) {
      end = next->second;
      ends_.erase(next);
    }
    ends_[first] = end;
    return true;
  }

  /// The bytes from zero on that are there without a gap.
  std::uint64_t leading() const {
    return ends_.empty() || ends_.begin()->first != 0 ? 0 : ends_.begin()->second;
  }

 private:
  std::map<std::uint64_t, std::uint64_t> ends_;  ///< first -> end
};

}  // namespace aquifer::client
