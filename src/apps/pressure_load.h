// What a pool is put under pressure with: numbered objects whose key, size and content follow from
// the number, and the caller's memory for one of them at a time. Moves nothing itself.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "apps/workload_blocks.h"
#include "aquifer/result.h"

namespace aquifer::apps {

enum class PressureShape : std::uint8_t {
  kBlock,   ///< the DeepSeek-R1 block: 8,784 KiB at 122 addresses
  kRandom,  ///< sizes drawn uniformly from 4 KiB to 32 MiB, one piece each
};

/// As it stands in reports: "block", "random".
std::string_view name_of(PressureShape shape);

/// A sequence of objects without an end. A plain value.
class PressureLoad {
 public:
  /// For a pool of `pool_bytes`: the largest random size is 1/16 of it where that is less than
  /// 32 MiB, so that a small pool still holds many. Requires: pool_bytes is at least 1 MiB.
  PressureLoad(PressureShape shape, std::uint64_t pool_bytes, std::uint64_t seed);

  PressureShape shape() const { return shape_; }
  std::uint64_t smallest() const { return smallest_; }
  std::uint64_t largest() const { return largest_; }
  /// The mean size of an object.
  std::uint64_t mean() const { return smallest_ + (largest_ - smallest_) / 2; }

  std::string key(std::uint64_t number) const;
  std::uint64_t bytes(std::uint64_t number) const;
  Content content(std::uint64_t number) const;

 private:
  PressureShape shape_;
  std::uint64_t smallest_;
  std::uint64_t largest_;
  std::uint64_t seed_;
};

/// Memory of one thread for one object of a load at a time.
class PressureBuffer {
 public:
  /// Errors: kIo.
  static Result<PressureBuffer> make(const PressureLoad& load);

  /// The pieces for an object of this number; valid until the next call.
  std::span<const Piece> pieces(std::uint64_t number);
  std::span<const ConstPiece> const_pieces(std::uint64_t number);

 private:
  PressureBuffer(const PressureLoad& load, BlockBuffers memory)
      : load_(load), memory_(std::move(memory)) {}

  PressureLoad load_;
  BlockBuffers memory_;
  std::vector<Piece> pieces_;
  std::vector<ConstPiece> const_pieces_;
};

}  // namespace aquifer::apps
