// What the objects of a workload contain: a function of (key, offset, seed), so that a reader knows
// every byte without keeping a copy. Cheap to make and to compare (one addition per 8 bytes); not
// random in any stronger sense.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace aquifer::apps {

/// The bytes of one object. A plain value.
class Content {
 public:
  Content(std::string_view key, std::uint64_t seed);

  /// Writes the bytes from `offset` on into `out`, past the caches, so that what is measured next
  /// does not find them there.
  void fill(std::uint64_t offset, std::span<std::byte> out) const;

  /// Compares `bytes` with those from `offset` on: the place of the first that differs (counted
  /// from the start of the object), or nothing when all are equal.
  std::optional<std::uint64_t> mismatch(std::uint64_t offset,
                                        std::span<const std::byte> bytes) const;

 private:
  std::uint64_t base_;
};

/// Overwrites with a pattern that no Content produces over more than a few bytes, past the caches.
void poison(std::span<std::byte> bytes);

}  // namespace aquifer::apps
