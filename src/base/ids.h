// Strong ids: what one process calls another, a segment, a put. Plain values that travel; no
// behaviour.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>

namespace aquifer::base {

/// A 64-bit id that does not mix with the others. Random ids are never zero; zero says "none".
template <class Tag>
struct Id {
  std::uint64_t value = 0;
  auto operator<=>(const Id&) const = default;
  explicit operator bool() const { return value != 0; }
};

using PoolId = Id<struct PoolTag>;
using NodeId = Id<struct NodeTag>;
using SegmentId = Id<struct SegmentTag>;
using ClientId = Id<struct ClientTag>;

/// The id of one put: the epoch of the meta that started it, and a number that only grows within
/// the epoch.
struct PutId {
  std::uint64_t epoch = 0;
  std::uint64_t sequence = 0;
  auto operator<=>(const PutId&) const = default;
  explicit operator bool() const { return sequence != 0; }
};

/// The place of a put among those that become visible together: their ids are consecutive, and of
/// one meta. A count of 0: it is of no group.
struct GroupPlace {
  std::uint16_t index = 0;
  std::uint16_t count = 0;
  bool operator==(const GroupPlace&) const = default;
  constexpr explicit operator bool() const { return count != 0; }
};

/// 128 bits of a keyed hash.
struct Hash128 {
  std::uint64_t low = 0;
  std::uint64_t high = 0;
  auto operator<=>(const Hash128&) const = default;
};

/// 32 bits for a table (base/index_table.h). Of a hash that is as good as random any will do;
/// numbers in a row are spread.
constexpr std::uint32_t short_hash(const Hash128& hash) {
  return static_cast<std::uint32_t>(hash.low);
}
constexpr std::uint32_t short_hash(std::uint64_t number) {
  return static_cast<std::uint32_t>(number * 0x9e3779b97f4a7c15u >> 32);
}

}  // namespace aquifer::base

template <class Tag>
struct std::hash<aquifer::base::Id<Tag>> {
  std::size_t operator()(aquifer::base::Id<Tag> id) const { return id.value; }
};
template <>
struct std::hash<aquifer::base::PutId> {
  std::size_t operator()(const aquifer::base::PutId& id) const {
    return (id.sequence ^ (id.epoch << 40)) * 0x9e3779b97f4a7c15u;
  }
};
template <>
struct std::hash<aquifer::base::Hash128> {
  std::size_t operator()(const aquifer::base::Hash128& value) const { return value.low; }
};
