// Maps the pages of a shared mapping in before they are touched. The first touch of a page by a
// process costs a fault, more than copying what is in it; mapping in many at once costs a fraction
// of that, and on a thread of its own next to nothing. Only for memory that has real pages already:
// on a hole this would be an allocation.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <thread>

#include "memory/shared_memory.h"

namespace aquifer::memory {

class Prefault {
 public:
  /// The mapping outlives it.
  explicit Prefault(const Mapping& mapping);
  /// Ends the thread, if one was started.
  ~Prefault();
  Prefault(const Prefault&) = delete;
  Prefault& operator=(const Prefault&) = delete;

  /// Maps in what of [first, first + bytes) has not been yet, in whole chunks. Advice only: what
  /// cannot be mapped in now faults when it is touched. Thread-safe.
  void ensure(std::uint64_t first, std::uint64_t bytes) {
    for (std::uint64_t chunk = first / kChunkBytes; chunk * kChunkBytes < first + bytes; ++chunk) {
      if (!is_in(chunk)) map_in(chunk);
    }
  }

  /// Does so for [first, end) on a thread of its own, which ends when it is through. Once.
  void run_ahead(std::uint64_t first, std::uint64_t end);

  /// Chunks mapped in so far, by whomever.
  std::uint64_t chunks_in() const { return chunks_in_.load(std::memory_order_relaxed); }

  static constexpr std::uint64_t kChunkBytes = std::uint64_t{1} << 20;

 private:
  bool is_in(std::uint64_t chunk) const {
    return (in_[chunk / 64].load(std::memory_order_relaxed) >> chunk % 64 & 1) != 0;
  }
  void map_in(std::uint64_t chunk);

  const Mapping& mapping_;
  std::unique_ptr<std::atomic<std::uint64_t>[]> in_;  ///< a bit for each chunk
  std::atomic<std::uint64_t> chunks_in_{0};
  std::atomic<bool> stopping_{false};
  std::thread thread_;
};

}  // namespace aquifer::memory
