#include "values.h"

#include <cstring>
#include <vector>

#include "base/strings.h"

namespace aquifer::contention {
namespace {

constexpr std::size_t kWord = 8;
// 12 bits of owner, 8 of number, 20 of version, 24 of place: no two words of a test are equal.
constexpr unsigned kPlaceBits = 24;
constexpr unsigned kVersionBits = 20;
constexpr unsigned kNumberBits = 8;
constexpr std::uint64_t kVeil = 0x5bd1e9955bd1e995u;  // so that zeros are never right

std::uint64_t word_of(const ValueId& id, std::uint64_t place) {
  std::uint64_t word = id.owner;
  word = word << kNumberBits | id.number;
  word = word << kVersionBits | id.version;
  word = word << kPlaceBits | place;
  return word ^ kVeil;
}

std::uint32_t version_of(std::uint64_t word) {
  return static_cast<std::uint32_t>((word ^ kVeil) >> kPlaceBits & ((1u << kVersionBits) - 1));
}

}  // namespace

std::uint32_t draw_number(base::Random& random, std::uint32_t keys) {
  return static_cast<std::uint32_t>(random.below(1 + random.below(keys)));
}

std::string key_of(const ValueId& id) { return base::cat("contention/", id.owner, "/", id.number); }

std::size_t bytes_at_least(const ValueId& id) {
  base::Random random(std::uint64_t{id.owner} << 32 | id.number);
  const std::uint64_t most = std::uint64_t{1} << (6 + random.below(13));  // 64 B to 256 KiB
  return most / 2 + random.below(most / 2 + 1) + kWord;
}

std::size_t bytes_of(const ValueId& id) {
  base::Random random(std::uint64_t{id.owner} << 40 | std::uint64_t{id.number} << 20 | id.version);
  const std::size_t least = bytes_at_least(id);
  return least + random.below(least / 2);
}

void fill(const ValueId& id, std::uint64_t offset, std::span<std::byte> out) {
  std::size_t at = 0;
  while (at < out.size()) {
    const std::uint64_t word = word_of(id, (offset + at) / kWord);
    const std::size_t skip = (offset + at) % kWord;
    if (skip == 0 && out.size() - at >= kWord) {  // a known length is one store, and most are
      std::memcpy(out.data() + at, &word, kWord);
      at += kWord;
      continue;
    }
    const std::size_t count = std::min(kWord - skip, out.size() - at);
    std::memcpy(out.data() + at, reinterpret_cast<const char*>(&word) + skip, count);
    at += count;
  }
}

std::optional<std::uint32_t> version_in(const ValueId& key, std::uint64_t offset,
                                        std::span<const std::byte> bytes) {
  const std::size_t first_whole = (kWord - offset % kWord) % kWord;
  if (first_whole + kWord > bytes.size()) return std::nullopt;
  std::uint64_t word = 0;
  std::memcpy(&word, bytes.data() + first_whole, kWord);
  ValueId id = key;
  id.version = version_of(word);
  std::vector<std::byte> expected(bytes.size());
  fill(id, offset, expected);
  if (std::memcmp(expected.data(), bytes.data(), bytes.size()) != 0) return std::nullopt;
  return id.version;
}

}  // namespace aquifer::contention
