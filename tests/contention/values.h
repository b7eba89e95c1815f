// Values in which each 8 bytes say whose they are: key, version and place. A reader that gets any
// other byte, from another object, another version, another place or nowhere, sees it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "aquifer/types.h"
#include "base/random.h"

namespace aquifer::contention {

/// Who a value belongs to. `owner` is the writer, `number` one of its keys.
struct ValueId {
  std::uint32_t owner = 0;
  std::uint32_t number = 0;
  std::uint32_t version = 0;
};

/// Draws the number of a key; low ones more often, so that some are hot and some are long evicted.
std::uint32_t draw_number(base::Random& random, std::uint32_t keys);

/// "contention/OWNER/NUMBER"; the same for all versions.
std::string key_of(const ValueId& id);

/// Bytes of the value: up to kValueBytesMax, of every order of magnitude, another for each version.
std::size_t bytes_of(const ValueId& id);
inline constexpr std::size_t kValueBytesMax = 400'000;
/// What every version of the key has at least.
std::size_t bytes_at_least(const ValueId& id);

/// Writes the bytes of the value from `offset` on.
void fill(const ValueId& id, std::uint64_t offset, std::span<std::byte> out);

/// The version that `bytes` (those from `offset` on, at least 16 of them) are wholly of; nothing
/// when they are not of the key, not of one version, or not in their place.
std::optional<std::uint32_t> version_in(const ValueId& key, std::uint64_t offset,
                                        std::span<const std::byte> bytes);

}  // namespace aquifer::contention
