// Randomness as a parameter: a seeded generator for everything that a test must be able to repeat,
// and one source of real randomness for ids.
#pragma once

#include <cstdint>

namespace aquifer::base {

/// SplitMix64: small, seedable, good enough for choices (not for secrets). Source: Steele, Lea,
/// Flood, "Fast splittable pseudorandom number generators", 2014.
class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed) {}
  std::uint64_t next() {
    std::uint64_t z = (state_ += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
  }
  /// A number in [0, bound); bound > 0.
  std::uint64_t below(std::uint64_t bound) { return next() % bound; }

 private:
  std::uint64_t state_;
};

/// 64 random bits from the kernel, never zero.
std::uint64_t random_id();

}  // namespace aquifer::base
