// The caller's side of a block workload: KV blocks scattered over the layers of an engine's cache,
// as an engine holds them. Knows where the pieces lie and what they should contain; moves nothing
// itself.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "apps/workload_content.h"
#include "apps/workload_memory.h"
#include "aquifer/types.h"

namespace aquifer::apps {

/// The pieces of one object, in bytes, in order.
using BlockShape = std::vector<std::size_t>;

/// One KV block of DeepSeek-R1: 61 layers of 128 KiB and 61 of 16 KiB, 8,784 KiB in 122 pieces.
BlockShape deepseek_r1_shape();

std::size_t bytes_of(const BlockShape& shape);

/// Fills, overwrites, or checks one object that lies in these pieces.
void fill(std::span<const Piece> pieces, const Content& content);
void poison(std::span<const Piece> pieces);
std::optional<std::uint64_t> mismatch(std::span<const Piece> pieces, const Content& content);

/// `slots` blocks of one shape. Each piece of the shape has an array of its own with one element
/// per slot (the layout of an engine: one tensor per layer), so the pieces of a block lie at as
/// many separate addresses.
class BlockBuffers {
 public:
  /// Maps and populates the memory. Errors: kIo.
  static Result<BlockBuffers> make(const BlockShape& shape, std::size_t slots);

  std::size_t slots() const { return slots_; }
  std::span<const Piece> pieces(std::size_t slot) const;
  std::span<const ConstPiece> const_pieces(std::size_t slot) const;

  void fill(std::size_t slot, const Content& content) const;
  void poison(std::size_t slot) const;

  /// The first byte of the object that is not as `content` has it, or nothing.
  std::optional<std::uint64_t> mismatch(std::size_t slot, const Content& content) const;

 private:
  BlockBuffers(Mapping memory, const BlockShape& shape, std::size_t slots);

  Mapping memory_;
  std::size_t slots_;
  std::size_t pieces_each_;
  std::vector<Piece> pieces_;             // slot after slot
  std::vector<ConstPiece> const_pieces_;  // the same
};

}  // namespace aquifer::apps
