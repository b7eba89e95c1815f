// The copy limit of this machine for one block workload: the same pieces, the same memory on the
// caller's side, a shared mapping of the same size in the pool's place, as many threads, and
// nothing else. No digests, no look-ups, no pool.
#pragma once

#include <cstddef>

#include "apps/bench_crew.h"
#include "apps/workload_blocks.h"
#include "apps/workload_copy.h"
#include "apps/workload_memory.h"
#include "aquifer/result.h"

namespace aquifer::apps {

/// A direction, as the pool's client sees it.
enum class Direction { kPut, kGet };

/// Which slots one sample moves: `count` of them from `first` on, starting again at 0 behind the
/// last.
struct SlotRange {
  std::size_t first = 0;
  std::size_t count = 0;
};

/// Memory that stands in the place of the pool.
class BenchCopies {
 public:
  /// Room for `slots` objects of `object_bytes`. Errors: kIo.
  static Result<BenchCopies> make(std::size_t object_bytes, std::size_t slots);

  std::span<std::byte> memory() const { return memory_.bytes(); }

  /// Copies the slots between `buffers` (with as many slots) and the stand-in, `times` over, with
  /// all members of the crew, and returns the seconds that took.
  double run(const CopyVariant& variant, Direction direction, const BlockBuffers& buffers,
             SlotRange range, unsigned times, BenchCrew& crew) const;

 private:
  BenchCopies(Mapping memory, std::size_t object_bytes, std::size_t slots)
      : memory_(std::move(memory)), object_bytes_(object_bytes), slots_(slots) {}

  Mapping memory_;
  std::size_t object_bytes_;
  std::size_t slots_;
};

}  // namespace aquifer::apps
