// The exchange on a node's Unix socket: a same-host client names itself and gets the descriptor of
// the segment, opened for it alone and locked, so that the node can tell when it is gone.
#pragma once

#include <cstdint>
#include <type_traits>

#include "base/ids.h"

namespace aquifer::protocol {

inline constexpr std::uint32_t kShmMagic = 0x53515141;  // "AQQS"

struct ShmRequest {
  std::uint32_t magic = kShmMagic;
  std::uint32_t version = 1;
  base::ClientId client{};
};

/// The descriptor travels beside it.
struct ShmReply {
  std::uint32_t magic = kShmMagic;
  std::int32_t status = 0;  ///< a Status
  base::SegmentId segment{};
  std::uint64_t total_bytes = 0;
  std::uint32_t user = 0;  ///< the client's bit in pool::Slot::users; beyond the last: none left
  std::uint32_t reserved = 0;
};
static_assert(sizeof(ShmRequest) == 16 && sizeof(ShmReply) == 32);
static_assert(std::is_trivially_copyable_v<ShmRequest> && std::is_trivially_copyable_v<ShmReply>);

}  // namespace aquifer::protocol
