#include "apps/pressure_load.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "base/random.h"
#include "base/strings.h"

namespace aquifer::apps {
namespace {

constexpr std::uint64_t kSmallest = 4 << 10;
constexpr std::uint64_t kLargest = 32 << 20;
constexpr std::uint64_t kPoolShare = 16;
// So that the pieces of a block do not touch each other, as in an engine's memory.
constexpr std::size_t kBlockSlots = 4;

}  // namespace

std::string_view name_of(PressureShape shape) {
  return shape == PressureShape::kBlock ? "block" : "random";
}

PressureLoad::PressureLoad(PressureShape shape, std::uint64_t pool_bytes, std::uint64_t seed)
    : shape_(shape), smallest_(kSmallest), largest_(kLargest), seed_(seed) {
  AQ_CHECK(pool_bytes / kPoolShare > kSmallest);
  largest_ = std::min(largest_, pool_bytes / kPoolShare);
  if (shape == PressureShape::kBlock) smallest_ = largest_ = bytes_of(deepseek_r1_shape());
}

std::string PressureLoad::key(std::uint64_t number) const {
  return base::cat("pressure/", name_of(shape_), "/", number);
}

std::uint64_t PressureLoad::bytes(std::uint64_t number) const {
  base::Random random(seed_ ^ base::Random(number).next());
  return smallest_ + random.below(largest_ - smallest_ + 1);
}

Content PressureLoad::content(std::uint64_t number) const { return Content(key(number), seed_); }

Result<PressureBuffer> PressureBuffer::make(const PressureLoad& load) {
  const bool is_block = load.shape() == PressureShape::kBlock;
  auto memory = is_block ? BlockBuffers::make(deepseek_r1_shape(), kBlockSlots)
                         : BlockBuffers::make({load.largest()}, 1);
  if (!memory) return memory.error();
  return PressureBuffer(load, std::move(*memory));
}

std::span<const Piece> PressureBuffer::pieces(std::uint64_t number) {
  std::uint64_t left = load_.bytes(number);
  pieces_.clear();
  for (const Piece& piece : memory_.pieces(number % memory_.slots())) {
    pieces_.push_back({piece.address, std::min<std::uint64_t>(piece.bytes, left)});
    left -= pieces_.back().bytes;
  }
  return pieces_;
}

std::span<const ConstPiece> PressureBuffer::const_pieces(std::uint64_t number) {
  const_pieces_.clear();
  for (const Piece& piece : pieces(number)) const_pieces_.push_back({piece.address, piece.bytes});
  return const_pieces_;
}

}  // namespace aquifer::apps
