// Structs that grow. The caller says how large a struct it was compiled with; what it lacks is
// zero, which is the default of every field, and what this version lacks must be zero.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <optional>
#include <type_traits>

namespace aquifer::capi {

// No version of any struct is larger: a size above it was never set.
inline constexpr std::size_t kStructSizeMax = 4096;

inline bool is_struct_size(std::size_t size) {
  return size >= sizeof(std::size_t) && size <= kStructSizeMax;
}

/// What the caller gave, in the form of this version; null stands for defaults. Nothing when
/// struct_size is of no version, or a byte is set that this version does not know.
template <class S>
std::optional<S> read_struct(const S* given) {
  static_assert(std::is_trivially_copyable_v<S> && offsetof(S, struct_size) == 0);
  static_assert(sizeof(S) <= kStructSizeMax);
  S known{};
  if (given == nullptr) {
    return known;
  }
  // Byte by byte: the object that the caller has may be shorter than an S.
  const auto* bytes = reinterpret_cast<const unsigned char*>(given);
  std::size_t size = 0;
  std::memcpy(&size, bytes, sizeof size);
  if (!is_struct_size(size)) {
    return std::nullopt;
  }
  if (size > sizeof(S) &&
      std::any_of(bytes + sizeof(S), bytes + size, [](unsigned char byte) { return byte != 0; })) {
    return std::nullopt;
  }
  std::memcpy(&known, bytes, std::min(size, sizeof(S)));
  return known;
}

/// Writes as much of an answer as the caller's struct holds, and zeros behind it. False when its
/// struct_size is of no version.
template <class S>
bool write_struct(S filled, S* out) {
  static_assert(std::is_trivially_copyable_v<S> && offsetof(S, struct_size) == 0);
  auto* bytes = reinterpret_cast<unsigned char*>(out);
  std::size_t size = 0;
  std::memcpy(&size, bytes, sizeof size);
  if (!is_struct_size(size)) {
    return false;
  }
  filled.struct_size = size;
  std::memcpy(bytes, &filled, std::min(size, sizeof(S)));
  if (size > sizeof(S)) {
    std::memset(bytes + sizeof(S), 0, size - sizeof(S));
  }
  return true;
}

}  // namespace aquifer::capi
