// Which replica goes when a segment needs room: the seam behind which policies differ. A policy is
// told of everything that comes, is used and goes, and names the next victim; it decides nothing
// else and never sees what is pinned. Plain state machine: time comes with the calls.
#pragma once

#include <chrono>
#include <cstdint>
#include <vector>

#include "base/chunked_vector.h"
#include "base/ids.h"
#include "base/index_table.h"

namespace aquifer::meta {

using Time =
    std::chrono::milliseconds;  ///< since any fixed moment; handed in, never read from a clock
using SegmentIndex = std::uint32_t;
using ReplicaIndex = std::uint32_t;
inline constexpr std::uint32_t kNone = base::IndexTable::kNone;

/// What a policy may go by, besides the moments and the number of uses.
struct EvictionFacts {
  base::Hash128 key{};
  base::Hash128 parent{};  ///< of the key that this one continues; zero: none was named
  std::uint64_t value_bytes = 0;
};

class EvictionPolicy {
 public:
  virtual ~EvictionPolicy() = default;

  /// A replica came, or its pin ended: it counts as used now.
  virtual void added(SegmentIndex segment, ReplicaIndex replica, const EvictionFacts& facts,
                     Time now) = 0;
  virtual void used(SegmentIndex segment, ReplicaIndex replica, Time now) = 0;
  /// It went, or was pinned. Requires that it was added.
  virtual void removed(SegmentIndex segment, ReplicaIndex replica) = 0;

  /// The next to go; kNone when there is nothing to choose from.
  virtual ReplicaIndex victim(SegmentIndex segment) = 0;
  /// What is lost with it, comparable between segments: the smaller, the better the choice.
  /// Requires a victim.
  virtual std::uint64_t loss(SegmentIndex segment) = 0;
  /// What is lost with this one, comparable with loss().
  virtual std::uint64_t worth(ReplicaIndex replica) = 0;
  /// Number of replicas to choose from.
  virtual std::uint64_t count(SegmentIndex segment) const = 0;
};

/// The least recently used one goes. Uses are written down, and make their changes together before
/// the order is asked for or changed in another way: what they touch is all over the memory, and is
/// asked for ahead of need.
class LeastRecentlyUsed final : public EvictionPolicy {
 public:
  void added(SegmentIndex segment, ReplicaIndex replica, const EvictionFacts& facts,
             Time now) override;
  void used(SegmentIndex segment, ReplicaIndex replica, Time now) override;
  void removed(SegmentIndex segment, ReplicaIndex replica) override;
  ReplicaIndex victim(SegmentIndex segment) override;
  std::uint64_t loss(SegmentIndex segment) override;
  std::uint64_t worth(ReplicaIndex replica) override;
  std::uint64_t count(SegmentIndex segment) const override;

 private:
  struct Entry {
    ReplicaIndex older = kNone;
    ReplicaIndex newer = kNone;
    std::uint64_t last_use = 0;  ///< number of the use, growing
  };
  struct Order {
    ReplicaIndex oldest = kNone;
    ReplicaIndex newest = kNone;
    std::uint64_t count = 0;
  };
  struct Use {
    SegmentIndex segment = kNone;
    ReplicaIndex replica = kNone;
  };
  void append_newest(Order& order, ReplicaIndex replica);
  void unlink(Order& order, ReplicaIndex replica);
  void apply_uses();

  base::ChunkedVector<Entry> entries_;  ///< by replica
  std::vector<Order> orders_;           ///< by segment
  std::vector<Use> written_down_;
  std::uint64_t uses_ = 0;
};

}  // namespace aquifer::meta
