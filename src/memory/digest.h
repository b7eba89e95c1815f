// The digest of content, CRC-64/NVME, alone and fused with a copy. One definition, three builds
// chosen at run time: AVX-512 with VPCLMULQDQ, SSE with PCLMULQDQ, tables. The copy is the one
// primitive that touches segment bytes.
//
// Why CRC-64: 64 bits at no cost when fused with the copy (the fold runs on registers already
// loaded), every burst of up to 64 bits found for sure. Source of the parameters: NVM Express NVM
// Command Set, "64b CRC" (check value of "123456789" from ~0, inverted at the end:
// ae8b14860a799888). Not a defence against forgery.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace aquifer::memory {

/// Continues a digest over `bytes` bytes at `source`. The state of an empty digest is any 64-bit
/// start value; no final inversion is applied. Splitting the input anywhere gives the same result.
/// Thread-safe.
std::uint64_t digest(std::uint64_t state, const void* source, std::size_t bytes);

enum class Stores : std::uint8_t {
  kCached,     ///< ordinary stores: small values that are about to be used
  kStreaming,  ///< non-temporal stores: no read of the destination's lines; see finish_stores()
  kStreamingPages,  ///< the same, several pages side by side where the build can (streaming.h)
};

/// Copies and digests in one pass: each source byte is loaded once, so what is digested is what was
/// stored. The ranges must not overlap. Either side may be shared memory that another process is
/// writing. Thread-safe.
std::uint64_t copy_digest(std::uint64_t state, void* destination, const void* source,
                          std::size_t bytes, Stores stores);

/// Orders the streaming stores of this thread before all that it does afterwards. Once per run of
/// copies, before the thread says that it is done: a fence waits for the stores on their way.
void finish_stores();

/// The build in use ("avx512", "pclmul", "table").
std::string_view digest_build();

/// Selects a build by name, for tests and comparisons; false if this CPU has not got it. Not
/// thread-safe.
bool use_digest_build(std::string_view name);

}  // namespace aquifer::memory
