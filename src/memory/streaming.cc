#include "memory/streaming.h"

#include <unistd.h>

#include <algorithm>

namespace aquifer::memory {
namespace {

constexpr std::size_t kThresholdMin = 64u << 10;
constexpr std::size_t kThresholdMax = 1u << 20;
constexpr std::size_t kThresholdUnknown = 256u << 10;

std::size_t find_threshold() {
  const long cache = sysconf(_SC_LEVEL2_CACHE_SIZE);
  return cache <= 0 ? kThresholdUnknown
                    : std::clamp(static_cast<std::size_t>(cache) / 4, kThresholdMin, kThresholdMax);
}

}  // namespace

std::size_t streaming_threshold() {
  static const std::size_t threshold = find_threshold();
  return threshold;
}

Stores StreamingChoice::better() const {
  const std::uint32_t plain = cost_[0].load(std::memory_order_relaxed);
  const std::uint32_t pages = cost_[1].load(std::memory_order_relaxed);
  return pages != 0 && pages < plain ? kWalks[1] : kWalks[0];
}

Stores StreamingChoice::next() {
  const std::uint32_t run = runs_.fetch_add(1, std::memory_order_relaxed);
  if (run < kFirstRuns) return kWalks[run % 2];
  const Stores best = better();
  if (run % kEvery != 0) return best;
  return best == kWalks[0] ? kWalks[1] : kWalks[0];
}

void StreamingChoice::took(Stores walk, std::size_t bytes, std::chrono::nanoseconds time) {
  if (walk == Stores::kCached || bytes == 0) return;
  const auto sample = static_cast<std::uint32_t>(
      std::clamp<std::int64_t>(time.count() * 1000 / static_cast<std::int64_t>(bytes), 1, 1 << 20));
  auto& cost = cost_[walk == kWalks[1] ? 1 : 0];
  const std::uint32_t known = cost.load(std::memory_order_relaxed);
  // A run that was held up says nothing about the walk: no sample counts for more than half as much
  // again.
  const std::uint32_t counted = known == 0 ? sample : std::min(sample, known + known / 2);
  cost.store(known == 0 ? counted : (known * 7 + counted) / 8, std::memory_order_relaxed);
}

StreamingChoice& reading_choice() {
  static StreamingChoice choice;
  return choice;
}

StreamingChoice& writing_choice() {
  static StreamingChoice choice;
  return choice;
}

}  // namespace aquifer::memory
