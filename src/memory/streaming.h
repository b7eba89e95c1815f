// How large copies are streamed here. Whether one walk from front to back is the faster one, or
// several pages side by side, differs by processor; so both are timed while they do real work, and
// the better one does most of it.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>

#include "memory/digest.h"

namespace aquifer::memory {

/// From this size on a value is streamed past the caches: a quarter of a core's second-level cache,
/// where that is known.
std::size_t streaming_threshold();

/// Chooses between the streaming walks by what they took lately. Thread-safe; approximate when
/// threads race.
class StreamingChoice {
 public:
  /// The walk for the next run: mostly the better one, now and then the other.
  Stores next();

  /// What a run with this walk took. Runs of very different sizes are not comparable; the caller
  /// reports large ones only.
  void took(Stores walk, std::size_t bytes, std::chrono::nanoseconds time);

  Stores better() const;

  static constexpr std::uint32_t kFirstRuns = 32;  ///< in turn
  static constexpr std::uint32_t kEvery = 64;      ///< then one run in so many is the other walk

 private:
  static constexpr std::array kWalks{Stores::kStreaming, Stores::kStreamingPages};
  std::atomic<std::uint32_t> runs_{0};
  /// Picoseconds a byte, smoothed; 0: not known.
  std::array<std::atomic<std::uint32_t>, kWalks.size()> cost_{};
};

/// One for each direction: what a process reads and writes differs in alignment and in cache state.
StreamingChoice& reading_choice();
StreamingChoice& writing_choice();

}  // namespace aquifer::memory
