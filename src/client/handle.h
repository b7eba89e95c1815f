// Handles as the client keeps them: enough to read and verify an object without asking meta.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>

#include "base/ids.h"
#include "base/small_vector.h"
#include "pool/object.h"
#include "pool/segment.h"
#include "protocol/messages.h"

namespace aquifer::client {

struct ReplicaPlace {
  base::NodeId node{};
  base::SegmentId segment{};
  std::uint32_t slot = 0;
  std::uint16_t extent_count = 0;
  bool may_hang = false;  ///< its node, as meta said
  std::uint64_t generation = 0;
  std::uint64_t header_digest = 0;
  std::array<pool::Extent, pool::kExtentsMax> extents{};

  std::span<const pool::Extent> used_extents() const { return {extents.data(), extent_count}; }
};

/// The replicas of a handle whose bytes this client has verified where they lie.
class VerifiedReplicas {
 public:
  VerifiedReplicas() = default;
  VerifiedReplicas(const VerifiedReplicas& other) : bits_(other.bits_.load()) {}
  VerifiedReplicas& operator=(const VerifiedReplicas&) = delete;

  bool has(std::size_t replica) const {
    return (bits_.load(std::memory_order_relaxed) >> replica & 1) != 0;
  }
  void add(std::size_t replica) {
    bits_.fetch_or(static_cast<std::uint8_t>(1u << replica), std::memory_order_relaxed);
  }

 private:
  static_assert(Limits::kReplicas <= 8);
  std::atomic<std::uint8_t> bits_{0};
};

struct Handle {
  base::PutId put{};
  std::uint64_t value_bytes = 0;
  base::SmallVector<ReplicaPlace, 1> replicas;
  std::uint64_t fingerprint = 0;  ///< of the message it was made from; 0: it was made otherwise
  mutable VerifiedReplicas verified{};

  /// Nothing when what meta said cannot be a handle.
  static std::shared_ptr<Handle> of(const protocol::Handle& message);
};

using HandlePtr = std::shared_ptr<const Handle>;

}  // namespace aquifer::client
