// Hash of names: the directory's 128-bit hash, keyed with the pool's secret so that nobody outside
// can build collisions. Not a digest of content (memory/digest.h).
#pragma once

#include <array>
#include <cstddef>
#include <string_view>

#include "base/ids.h"

namespace aquifer::base {

/// Hashes (namespace, key) pairs under a secret. Immutable; thread-safe. XXH3-128 with a 192-byte
/// secret.
class KeyHasher {
 public:
  explicit KeyHasher(std::uint64_t seed);

  /// Hashes the keys of one namespace. The hasher outlives it.
  class InNamespace {
   public:
    Hash128 operator()(std::string_view key) const;

   private:
    friend class KeyHasher;
    InNamespace(const KeyHasher& hasher, Hash128 space) : hasher_(hasher), space_(space) {}
    const KeyHasher& hasher_;
    Hash128 space_;
  };
  InNamespace in(std::string_view name_space) const;

  Hash128 operator()(std::string_view name_space, std::string_view key) const {
    return in(name_space)(key);
  }

 private:
  Hash128 hash(std::string_view bytes) const;
  std::array<std::byte, 192> secret_;
};

/// 64 bits of an unkeyed hash, for tables inside one process.
std::uint64_t hash_bytes(std::string_view bytes);

}  // namespace aquifer::base
