// The data port of a node: how bytes of values travel over TCP. Fixed headers, each under a digest
// of its own, then raw bytes. A client has a few such connections per node and keeps many requests
// in flight on each; answers come in order.
//
//   read:   RequestHeader                                   -> ReplyHeader, `bytes` raw bytes,
//   Trailer write:  RequestHeader, `bytes` raw bytes, page digests  -> ReplyHeader (bytes = 0)
//   seal:   RequestHeader, `bytes` of object header         -> ReplyHeader (bytes = 0)
//
// The trailer of a read says whether the slot still had its generation after the last byte had been
// handed to the kernel; without it the bytes are worth nothing.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "base/ids.h"
#include "memory/digest.h"
#include "protocol/messages.h"

namespace aquifer::protocol {

inline constexpr std::uint32_t kBulkMagic = 0x42515141;  // "AQQB"
inline constexpr std::uint16_t kBulkVersion = 3;
/// Largest `bytes` of one read or write.
inline constexpr std::uint32_t kBulkPieceBytes = 1u << 20;
inline constexpr std::size_t kBulkExtents = 8;

enum class BulkOp : std::uint16_t { kRead = 1, kWrite = 2, kSeal = 3 };

struct BulkRequest {
  std::uint32_t magic = kBulkMagic;
  std::uint16_t version = kBulkVersion;
  BulkOp op = BulkOp::kRead;
  base::SegmentId segment{};
  std::uint64_t generation = 0;
  std::uint32_t slot = 0;
  std::uint32_t bytes = 0;  ///< read, write: raw bytes; seal: bytes of the object header
  std::uint64_t offset =
      0;  ///< read: within header and value; write: within the value, a multiple of the page
  base::PutId put{};                ///< write, seal
  std::uint32_t header_bytes = 0;   ///< write, seal: bytes of the object header
  std::uint16_t extent_count = 0;   ///< write, seal: the extents that meta gave to the put
  std::uint16_t replicas = 1;       ///< write, seal: that the put asked for
  std::uint32_t value_bytes = 0;    ///< write, seal
  base::GroupPlace group{};         ///< write, seal
  std::uint64_t header_digest = 0;  ///< seal
  std::array<Run, kBulkExtents> extents{};
  std::uint64_t digest = 0;  ///< of the fields above
};
static_assert(sizeof(BulkRequest) == 152 && std::is_trivially_copyable_v<BulkRequest>);

struct BulkReply {
  std::uint32_t magic = kBulkMagic;
  std::int32_t status = 0;  ///< a Status
  std::uint32_t bytes = 0;  ///< raw bytes that follow
  std::uint32_t reserved = 0;
  std::uint64_t digest = 0;
};
static_assert(sizeof(BulkReply) == 24);

struct BulkTrailer {
  std::uint32_t magic = kBulkMagic;
  std::int32_t status = 0;  ///< kOk: sealed and of the same generation after the last byte
  std::uint64_t digest = 0;
};
static_assert(sizeof(BulkTrailer) == 16);

/// The digest of a header: of all bytes before its field `digest`, which is the last.
template <class H>
std::uint64_t bulk_digest(const H& header) {
  static_assert(offsetof(H, digest) + sizeof(std::uint64_t) == sizeof(H));
  return memory::digest(kBulkMagic, &header, offsetof(H, digest));
}

template <class H>
H sealed(H header) {
  header.digest = bulk_digest(header);
  return header;
}

template <class H>
bool intact(const H& header) {
  return header.magic == kBulkMagic && header.digest == bulk_digest(header);
}

}  // namespace aquifer::protocol
