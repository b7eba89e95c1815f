#include "apps/workload_content.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "apps/workload_copy.h"
#include "base/hash.h"
#include "base/random.h"

namespace aquifer::apps {
namespace {

// Word i of an object is base + i * kStep: all words of an object differ (kStep is odd), and two
// objects have a word in common at any given pair of places with a chance of 2^-64.
constexpr std::uint64_t kStep = 0x9e3779b97f4a7c15u;
constexpr std::size_t kWord = sizeof(std::uint64_t);

// Bytes are made in a piece that stays in the first-level cache and are copied or compared from
// there.
constexpr std::size_t kStageWords = 2048;
constexpr std::size_t kStageBytes = kStageWords * kWord;
using Stage = std::array<std::uint64_t, kStageWords>;

/// The bytes of the object from `offset` on, at most `bytes` of them: made in `stage`, which must
/// outlive the answer.
std::span<const std::byte> make(Stage& stage, std::uint64_t base, std::uint64_t offset,
                                std::uint64_t bytes) {
  const std::size_t skip = offset % kWord;
  const std::size_t count = std::min<std::uint64_t>(bytes, kStageBytes - skip);
  const std::size_t words = (skip + count + kWord - 1) / kWord;
  const std::uint64_t first = base + offset / kWord * kStep;
  for (std::size_t i = 0; i < words; ++i) stage[i] = first + i * kStep;
  return std::as_bytes(std::span(stage)).subspan(skip, count);
}

}  // namespace

Content::Content(std::string_view key, std::uint64_t seed)
    : base_(base::Random(base::hash_bytes(key) ^ base::Random(seed).next()).next()) {}

void Content::fill(std::uint64_t offset, std::span<std::byte> out) const {
  Stage stage;
  while (!out.empty()) {
    const auto made = make(stage, base_, offset, out.size());
    copy_past_caches(out.data(), made.data(), made.size());
    offset += made.size();
    out = out.subspan(made.size());
  }
}

std::optional<std::uint64_t> Content::mismatch(std::uint64_t offset,
                                               std::span<const std::byte> bytes) const {
  Stage stage;
  while (!bytes.empty()) {
    const auto made = make(stage, base_, offset, bytes.size());
    if (std::memcmp(bytes.data(), made.data(), made.size()) != 0) {
      const auto differs = std::mismatch(made.begin(), made.end(), bytes.begin());
      return offset + static_cast<std::uint64_t>(differs.first - made.begin());
    }
    offset += made.size();
    bytes = bytes.subspan(made.size());
  }
  return std::nullopt;
}

void poison(std::span<std::byte> bytes) {
  static const auto pattern = [] {
    std::array<std::byte, kStageBytes> filled{};
    filled.fill(std::byte{0xa5});
    return filled;
  }();
  while (!bytes.empty()) {
    const std::size_t count = std::min(bytes.size(), pattern.size());
    copy_past_caches(bytes.data(), pattern.data(), count);
    bytes = bytes.subspan(count);
  }
}

}  // namespace aquifer::apps
