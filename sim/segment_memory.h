// The memory of a segment, apart from the process that serves it: it outlives a node that is
// killed, and stays with the clients that have it mapped. Beside it, what the kernel knows: which
// clients hold their lock on it.
#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <string>

#include "pool/segment.h"

namespace aquifer::sim {

/// A client's lock on a segment; the client is gone when it is.
struct UserLock {};

struct SegmentMemory {
  static constexpr std::uint32_t kSlots = 128;

  SegmentMemory(std::uint64_t data_bytes, base::SegmentId id, base::NodeId node);

  bool lives(std::uint32_t user) const { return !users[user].expired(); }

  std::unique_ptr<std::byte[]> bytes;
  pool::SegmentView view;
  std::array<std::weak_ptr<UserLock>, pool::kUsersMax> users;
};

}  // namespace aquifer::sim
