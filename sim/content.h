// What the values of a simulated pool are: every 8 bytes say which put they come from and where
// they stand in it, so that one wrong byte is seen, and whose it is.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <vector>

namespace aquifer::sim {

/// The put that a value comes from. Keys are numbers, as are the puts of a run.
struct Origin {
  std::uint32_t key = 0;
  std::uint32_t put = 0;
};

inline std::uint64_t content_word(Origin origin, std::uint64_t index) {
  const std::uint64_t first = std::uint64_t{origin.key} << 32 | origin.put;
  if (index == 0) {
    return first;
  }
  std::uint64_t word = (first + index) * 0x9e3779b97f4a7c15u;
  return word ^ (word >> 29);
}

inline std::vector<std::byte> content_of(Origin origin, std::size_t bytes) {
  std::vector<std::byte> value(bytes);
  for (std::size_t at = 0; at < bytes; at += 8) {
    const std::uint64_t word = content_word(origin, at / 8);
    std::memcpy(value.data() + at, &word, std::min<std::size_t>(8, bytes - at));
  }
  return value;
}

/// Who put a value of at least 8 bytes; nothing when its bytes are not all of one put.
inline std::optional<Origin> origin_of(std::span<const std::byte> value) {
  std::uint64_t first = 0;
  std::memcpy(&first, value.data(), sizeof first);
  const Origin origin{static_cast<std::uint32_t>(first >> 32), static_cast<std::uint32_t>(first)};
  for (std::size_t at = 8; at < value.size(); at += 8) {
    const std::uint64_t word = content_word(origin, at / 8);
    if (std::memcmp(value.data() + at, &word, std::min<std::size_t>(8, value.size() - at)) != 0) {
      return std::nullopt;
    }
  }
  return origin;
}

}  // namespace aquifer::sim
