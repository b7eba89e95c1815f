// The extents of one replica, in eight bytes: nearly always it is one, which lies here; several lie
// on the heap. A value that moves.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <span>
#include <utility>

#include "base/check.h"
#include "pool/segment.h"

namespace aquifer::meta {

class Extents {
 public:
  Extents() = default;
  /// Requires pool::kExtentsMax at most, and less than 2^31 units in each.
  explicit Extents(std::span<const pool::Extent> extents) {
    for (const pool::Extent& extent : extents) {
      push_back(extent);
    }
  }
  Extents(Extents&& other) noexcept : one_(std::exchange(other.one_, {})) {}
  Extents& operator=(Extents&& other) noexcept {
    std::swap(one_, other.one_);
    return *this;
  }
  ~Extents() { clear(); }

  void push_back(pool::Extent extent) {
    AQ_CHECK(extent.units != 0 && (extent.units & kOnHeap) == 0);
    if (one_.units == 0) {
      one_ = extent;
      return;
    }
    if (!is_several()) {
      auto* several = new Several{1, {one_}};
      one_ = std::bit_cast<pool::Extent>(reinterpret_cast<std::uint64_t>(several));
      one_.units |= kOnHeap;
    }
    AQ_CHECK(several()->count < pool::kExtentsMax);
    several()->extents[several()->count++] = extent;
  }
  void clear() {
    if (is_several()) {
      delete several();
    }
    one_ = {};
  }

  std::span<const pool::Extent> all() const {
    if (is_several()) {
      return {several()->extents.data(), several()->count};
    }
    return {&one_, one_.units == 0 ? 0u : 1u};
  }
  std::uint64_t units() const {
    std::uint64_t units = 0;
    for (const pool::Extent& extent : all()) {
      units += extent.units;
    }
    return units;
  }

 private:
  struct Several {
    std::uint32_t count = 0;
    std::array<pool::Extent, pool::kExtentsMax> extents{};
  };
  // The top bit of the units, which no address of a process has.
  static constexpr std::uint32_t kOnHeap = 1u << 31;
  static_assert(std::endian::native == std::endian::little && sizeof(void*) == sizeof(pool::Extent),
                "the units are the upper half of an address");

  bool is_several() const { return (one_.units & kOnHeap) != 0; }
  Several* several() const {
    pool::Extent address = one_;
    address.units &= ~kOnHeap;
    return reinterpret_cast<Several*>(std::bit_cast<std::uint64_t>(address));
  }

  pool::Extent one_{};  ///< the only one (no units: none), or the address of several
};
static_assert(sizeof(Extents) == 8);

}  // namespace aquifer::meta
