// The ways in which a processor can copy bytes: the candidates for "the fastest copy of this
// machine", and the cache-bypassing copy with which workloads prepare their buffers. Not the pool's
// own copy (memory/): a limit that is measured must not share code with what is measured against
// it.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>

namespace aquifer::apps {

/// One way to copy. `copy` takes any alignment and any length; no null pointers, no overlap. When
/// it returns, the bytes are visible to other cores (a fence follows the last non-temporal store).
struct CopyVariant {
  std::string_view name;  ///< stable, as it stands in reports: "memcpy", "nt_avx512" ...
  void (*copy)(std::byte* to, const std::byte* from, std::size_t bytes);
};

/// The variants that this processor can run, "memcpy" first. The same span at every call.
/// Thread-safe.
std::span<const CopyVariant> copy_variants();

/// Copies without leaving the destination in the caches, where the processor can; plain otherwise.
void copy_past_caches(std::byte* to, const std::byte* from, std::size_t bytes);

}  // namespace aquifer::apps
