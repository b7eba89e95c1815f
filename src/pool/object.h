// The stored object: value bytes, then a header. The header names the object in full and carries a
// digest of every page of the value; the digest of the header travels in the handle. So a reader
// that holds a handle can tell by itself whether the bytes it got are the bytes that were put under
// its key.
//
//   handle.header_digest -> header (namespace, key, put id, segment, slot, generation, page
//   digests) -> pages
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "aquifer/types.h"
#include "base/ids.h"

namespace aquifer::pool {

/// Bytes of value under one digest.
inline constexpr std::uint32_t kPageBytes = 64u << 10;

/// What one replica is and where it lies, as its header tells it.
struct ObjectIdentity {
  std::string_view name_space;
  std::string_view key;
  base::PutId put;
  base::SegmentId segment;
  std::uint32_t slot = 0;
  std::uint64_t generation = 0;
  std::uint64_t value_bytes = 0;
};

constexpr std::uint64_t page_count(std::uint64_t value_bytes) {
  return (value_bytes + kPageBytes - 1) / kPageBytes;
}

/// Bytes of value in page `page`.
constexpr std::uint64_t page_bytes(std::uint64_t value_bytes, std::uint64_t page) {
  const std::uint64_t first = page * kPageBytes;
  return value_bytes - first < kPageBytes ? value_bytes - first : kPageBytes;
}

/// Where the header lies: behind the value, on a cache line of its own. So the value begins where
/// its extents do, and the pages that a copy works on side by side begin where the memory's do.
constexpr std::uint64_t header_offset(std::uint64_t value_bytes) {
  return (value_bytes + 63) / 64 * 64;
}

/// Bytes that value and header take.
constexpr std::uint64_t stored_bytes(std::uint64_t value_bytes, std::uint32_t header_bytes) {
  return header_offset(value_bytes) + header_bytes;
}

/// Size of the header, a multiple of 64.
std::uint32_t header_bytes(std::size_t name_space_bytes, std::size_t key_bytes,
                           std::uint64_t value_bytes);

/// Start values of the digests. Derived from the put, so that a page of another put never matches
/// by being equal.
std::uint64_t page_seed(const base::PutId& put, std::uint64_t page);
std::uint64_t header_seed(const base::PutId& put);

/// Builds the header; one digest per page.
std::vector<std::byte> encode_header(const ObjectIdentity& identity,
                                     std::span<const std::uint64_t> page_digests);

/// The digest of a header as the handle carries it.
std::uint64_t digest_of_header(const base::PutId& put, std::span<const std::byte> header);

/// True if the bytes are the header of exactly this object with this digest; then `page_digests`
/// are its digests. `header` is the caller's own copy, never shared memory.
bool check_header(std::span<const std::byte> header, const ObjectIdentity& expected,
                  std::uint64_t digest, std::vector<std::uint64_t>& page_digests);

/// Bytes at the begin of any header, enough to know its size.
inline constexpr std::size_t kHeaderStart = 64;
/// The size that the begin of a header names; 0 when these bytes are none. Not checked further.
std::uint32_t header_bytes_in(std::span<const std::byte> start);

/// The names in a header that has been checked; they point into it.
struct HeaderNames {
  std::string_view name_space;
  std::string_view key;
};
HeaderNames names_in_header(std::span<const std::byte> header);

/// As check_header for a reader that does not know the names (the node checking its own memory).
bool check_header_unnamed(std::span<const std::byte> header, const ObjectIdentity& expected,
                          std::uint64_t digest, std::vector<std::uint64_t>& page_digests);

}  // namespace aquifer::pool
