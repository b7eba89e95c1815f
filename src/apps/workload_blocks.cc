#include "apps/workload_blocks.h"

#include <numeric>
#include <utility>

#include "base/check.h"

namespace aquifer::apps {
namespace {

constexpr int kLayers = 61;
constexpr std::size_t kLatentBytes = 128 << 10;
constexpr std::size_t kRopeBytes = 16 << 10;

}  // namespace

BlockShape deepseek_r1_shape() {
  BlockShape shape;
  for (int layer = 0; layer < kLayers; ++layer) {
    shape.push_back(kLatentBytes);
    shape.push_back(kRopeBytes);
  }
  return shape;
}

std::size_t bytes_of(const BlockShape& shape) {
  return std::accumulate(shape.begin(), shape.end(), std::size_t{0});
}

Result<BlockBuffers> BlockBuffers::make(const BlockShape& shape, std::size_t slots) {
  AQ_CHECK(slots > 0 && bytes_of(shape) > 0);
  auto memory = Mapping::make(Mapping::Kind::kPrivate, slots * bytes_of(shape));
  if (!memory) return memory.error();
  return BlockBuffers(std::move(*memory), shape, slots);
}

BlockBuffers::BlockBuffers(Mapping memory, const BlockShape& shape, std::size_t slots)
    : memory_(std::move(memory)), slots_(slots), pieces_each_(shape.size()) {
  for (std::size_t slot = 0; slot < slots; ++slot) {
    std::byte* layer = memory_.bytes().data();
    for (const std::size_t bytes : shape) {
      pieces_.push_back({layer + slot * bytes, bytes});
      const_pieces_.push_back({layer + slot * bytes, bytes});
      layer += slots * bytes;
    }
  }
}

std::span<const Piece> BlockBuffers::pieces(std::size_t slot) const {
  AQ_CHECK(slot < slots_);
  return std::span(pieces_).subspan(slot * pieces_each_, pieces_each_);
}

std::span<const ConstPiece> BlockBuffers::const_pieces(std::size_t slot) const {
  AQ_CHECK(slot < slots_);
  return std::span(const_pieces_).subspan(slot * pieces_each_, pieces_each_);
}

void BlockBuffers::fill(std::size_t slot, const Content& content) const {
  apps::fill(pieces(slot), content);
}

void BlockBuffers::poison(std::size_t slot) const { apps::poison(pieces(slot)); }

std::optional<std::uint64_t> BlockBuffers::mismatch(std::size_t slot,
                                                    const Content& content) const {
  return apps::mismatch(pieces(slot), content);
}

void fill(std::span<const Piece> pieces, const Content& content) {
  std::uint64_t offset = 0;
  for (const Piece& piece : pieces) {
    content.fill(offset, {static_cast<std::byte*>(piece.address), piece.bytes});
    offset += piece.bytes;
  }
}

void poison(std::span<const Piece> pieces) {
  for (const Piece& piece : pieces) poison({static_cast<std::byte*>(piece.address), piece.bytes});
}

std::optional<std::uint64_t> mismatch(std::span<const Piece> pieces, const Content& content) {
  std::uint64_t offset = 0;
  for (const Piece& piece : pieces) {
    const std::span bytes(static_cast<const std::byte*>(piece.address), piece.bytes);
    if (const auto wrong = content.mismatch(offset, bytes)) return wrong;
    offset += piece.bytes;
  }
  return std::nullopt;
}

}  // namespace aquifer::apps
