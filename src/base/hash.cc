#include "base/hash.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace aquifer::base {

KeyHasher::KeyHasher(std::uint64_t seed) : secret_{} {
  static_assert(sizeof secret_ == XXH3_SECRET_DEFAULT_SIZE);
  XXH3_generateSecret_fromSeed(secret_.data(), seed);
}

Hash128 KeyHasher::hash(std::string_view bytes) const {
  const auto hash =
      XXH3_128bits_withSecret(bytes.data(), bytes.size(), secret_.data(), secret_.size());
  return {hash.low64, hash.high64};
}

// The key's hash is folded with that of the namespace and the place of the border, so that ("a",
// "bc") and ("ab", "c") differ without joining the two strings.
KeyHasher::InNamespace KeyHasher::in(std::string_view name_space) const {
  const Hash128 space = hash(name_space);
  return {*this, {space.low * 0x9e3779b97f4a7c15u, space.high * 0xc2b2ae3d27d4eb4fu}};
}

Hash128 KeyHasher::InNamespace::operator()(std::string_view key) const {
  const Hash128 hash = hasher_.hash(key);
  return {hash.low ^ space_.low, hash.high ^ space_.high};
}

std::uint64_t hash_bytes(std::string_view bytes) { return XXH3_64bits(bytes.data(), bytes.size()); }

}  // namespace aquifer::base
