#include "apps/bench_copies.h"

#include <chrono>
#include <utility>

#include "base/check.h"

namespace aquifer::apps {
namespace {

/// One piece, between the caller's memory and the pool's stand-in.
void copy_piece(const CopyVariant& variant, Direction direction, const Piece& piece,
                std::byte* pooled) {
  auto* mine = static_cast<std::byte*>(piece.address);
  if (direction == Direction::kPut) {
    variant.copy(pooled, mine, piece.bytes);
  } else {
    variant.copy(mine, pooled, piece.bytes);
  }
}

}  // namespace

Result<BenchCopies> BenchCopies::make(std::size_t object_bytes, std::size_t slots) {
  auto memory = Mapping::make(Mapping::Kind::kShared, object_bytes * slots);
  if (!memory) return memory.error();
  return BenchCopies(std::move(*memory), object_bytes, slots);
}

double BenchCopies::run(const CopyVariant& variant, Direction direction,
                        const BlockBuffers& buffers, SlotRange range, unsigned times,
                        BenchCrew& crew) const {
  AQ_CHECK(buffers.slots() == slots_);
  // Every member walks over all pieces and takes those whose bytes begin in its share of the range.
  const std::size_t share = (range.count * object_bytes_ + crew.members() - 1) / crew.members();
  const auto begin = std::chrono::steady_clock::now();
  crew.run([&](unsigned member) {
    for (unsigned time = 0; time < times; ++time) {
      std::size_t at = 0;
      for (std::size_t i = 0; i < range.count; ++i) {
        const std::size_t slot = (range.first + i) % slots_;
        std::byte* pooled = memory_.bytes().data() + slot * object_bytes_;
        for (const Piece& piece : buffers.pieces(slot)) {
          if (at / share == member) copy_piece(variant, direction, piece, pooled);
          pooled += piece.bytes;
          at += piece.bytes;
        }
      }
    }
  });
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

}  // namespace aquifer::apps
