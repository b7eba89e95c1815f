// Which objects are used so much that one replica is too few: a table of counters, one for each
// bucket of keys, in which the most frequent key of a bucket prevails (the majority vote of Boyer
// and Moore), halved with time. Approximate, small, and as cheap as a look at one cache line. Plain
// state: time comes with the calls.
#pragma once

#include <array>
#include <cstdint>
#include <unordered_map>

#include "base/ids.h"
#include "meta/eviction.h"

namespace aquifer::meta {

class HotObjects {
 public:
  /// An object used more often than this in a second is hot; 0: none ever is.
  explicit HotObjects(std::uint32_t uses_per_second) : threshold_(uses_per_second) {}

  void used(const base::Hash128& hash) {
    Counter& counter = counters_[hash.high % kBuckets];
    if (counter.hash == hash) {
      ++counter.uses;
    } else if (counter.uses == 0) {
      counter = {hash, 1};
    } else {
      --counter.uses;
    }
  }

  /// Replicas that an object should have beyond those its put asked for.
  unsigned extra(const base::Hash128& hash) const {
    const auto found = hot_.find(hash);
    return found == hot_.end() ? 0 : found->second.extra;
  }

  /// Call every second or so. visit(hash) for each object whose extra() has changed.
  template <class Visit>
  void tick(Time now, Visit visit) {
    if (threshold_ == 0 || now - last_tick_ < kPeriod) {
      return;
    }
    last_tick_ = now;
    for (Counter& counter : counters_) {
      if (counter.uses >= threshold_) {
        Hot& hot = hot_[counter.hash];
        hot.last = now;
        if (hot.extra < kExtraMax) {
          ++hot.extra;
          visit(counter.hash);
        }
      }
      counter.uses /= 2;
    }
    for (auto at = hot_.begin(); at != hot_.end();) {
      const auto [hash, hot] = *at;
      if (now - hot.last < kCooling) {
        ++at;
        continue;
      }
      at = hot_.erase(at);
      visit(hash);
    }
  }

 private:
  static constexpr std::size_t kBuckets = 1024;
  static constexpr unsigned kExtraMax = 2;
  static constexpr Time kPeriod{1000};
  static constexpr Time kCooling{30'000};
  struct Counter {
    base::Hash128 hash{};
    std::uint32_t uses = 0;
  };
  struct Hot {
    unsigned extra = 0;
    Time last{};
  };
  const std::uint32_t threshold_;
  std::array<Counter, kBuckets> counters_{};
  std::unordered_map<base::Hash128, Hot> hot_;
  Time last_tick_{};
};

}  // namespace aquifer::meta
