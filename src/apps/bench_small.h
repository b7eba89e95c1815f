// Small objects of a bench: numbered, with keys as long as those of engines and values that follow
// from the key, so that every byte that is read can be compared. Moves nothing itself. Not the
// block (workload_blocks.h).
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "apps/bench_report.h"

namespace aquifer::apps {

class SmallObjects {
 public:
  static constexpr std::size_t kKeyBytes = 90;

  /// `prefix` begins every key (at most 60 bytes); `bytes` is the size of every value.
  SmallObjects(std::string prefix, std::size_t bytes, std::uint64_t seed);

  std::size_t bytes() const { return bytes_; }
  const std::string& prefix() const { return prefix_; }

  /// kKeyBytes long; another one for each number.
  std::string key(std::uint64_t number) const;
  std::vector<std::string> keys(std::uint64_t first, std::uint64_t count) const;

  /// Requires: `out`, `value` hold bytes().
  void fill(std::string_view key, std::span<std::byte> out) const;
  bool matches(std::string_view key, std::span<const std::byte> value) const;

 private:
  std::string prefix_;
  std::size_t bytes_;
  std::uint64_t seed_;
};

/// A row whose limit is a promised figure, nothing that was measured. The target is 1.0; nothing is
/// promised of a quick look.
BenchRow bound_row(std::string name, std::string unit, std::string better, double bound,
                   bool is_quick);

}  // namespace aquifer::apps
