#include "base/hash.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace aquifer::base {

KeyHasher::KeyHasher(std::uint64_t seed) : secret_{} {
  static_assert(sizeof secret_ == XXH3_SECRET_DEFAULT_SIZE);
  XXH3_generateSecret_fromSeed(secret_.data(), seed);
}

Hash128 KeyHasher::operator()(std::string_view name_space, std::string_view key) const {
  // The key's hash is folded with that of the namespace and the place of the border, so that ("a",
  // "bc") and
  // ("ab", "c") differ without joining the two strings.
  const auto hash = XXH3_128bits_withSecret(key.data(), key.size(), secret_.data(), secret_.size());
  const auto space =
      XXH3_128bits_withSecret(name_space.data(), name_space.size(), secret_.data(), secret_.size());
  return {hash.low64 ^ (space.low64 * 0x9e3779b97f4a7c15u),
          hash.high64 ^ (space.high64 * 0xc2b2ae3d27d4eb4fu)};
}

std::uint64_t hash_bytes(std::string_view bytes) { return XXH3_64bits(bytes.data(), bytes.size()); }

}  // namespace aquifer::base
