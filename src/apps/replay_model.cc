#include "apps/replay_model.h"

#include <algorithm>
#include <array>
#include <list>
#include <unordered_map>

namespace aquifer::apps {
namespace {

/// Block ids in the order of their last use, newest first.
class LruCache {
 public:
  explicit LruCache(std::uint64_t capacity) : capacity_(capacity) {}

  bool has(std::uint64_t id) const { return places_.contains(id); }

  void touch(std::uint64_t id) {
    const auto found = places_.find(id);
    if (found != places_.end()) {
      order_.splice(order_.begin(), order_, found->second);
      return;
    }
    order_.push_front(id);
    places_[id] = order_.begin();
    if (order_.size() <= capacity_) return;
    places_.erase(order_.back());
    order_.pop_back();
  }

 private:
  std::uint64_t capacity_;
  std::list<std::uint64_t> order_;
  std::unordered_map<std::uint64_t, std::list<std::uint64_t>::iterator> places_;
};

struct KnownRatio {
  std::size_t requests;
  std::uint64_t blocks;
  std::uint64_t capacity;
  double ratio;
};

// Mooncake FAST'25 traces, blocks of 512 tokens, the second half of the requests counted.
constexpr std::array<KnownRatio, 6> kKnown{{{12'031, 288'500, 5'860, 0.134},
                                            {12'031, 288'500, 10'000, 0.215},
                                            {12'031, 288'500, 20'000, 0.297},
                                            {3'993, 121'877, 5'860, 0.447},
                                            {3'993, 121'877, 10'000, 0.595},
                                            {3'993, 121'877, 20'000, 0.765}}};

}  // namespace

HitCount lru_hits(const Trace& trace, std::uint64_t capacity, std::size_t skip) {
  LruCache cache(capacity);
  HitCount count;
  for (std::size_t i = 0; i < trace.requests.size(); ++i) {
    const TraceRequest& request = trace.requests[i];
    if (i >= skip) {
      const auto run = std::find_if_not(request.begin(), request.end(),
                                        [&](std::uint64_t id) { return cache.has(id); });
      count.hits += static_cast<std::uint64_t>(run - request.begin());
      count.blocks += request.size();
    }
    for (auto id = request.rbegin(); id != request.rend(); ++id) cache.touch(*id);
  }
  return count;
}

std::size_t skipped_requests(double skip, std::size_t requests) {
  if (skip < 1.0) return static_cast<std::size_t>(skip * static_cast<double>(requests));
  return static_cast<std::size_t>(std::min(skip, static_cast<double>(requests)));
}

std::optional<double> known_lru_ratio(const Trace& trace, std::uint64_t capacity,
                                      std::size_t skip) {
  for (const KnownRatio& known : kKnown) {
    if (known.capacity == capacity && known.requests == trace.requests.size() &&
        known.blocks == trace.blocks() && skip == known.requests / 2) {
      return known.ratio;
    }
  }
  return std::nullopt;
}

}  // namespace aquifer::apps
