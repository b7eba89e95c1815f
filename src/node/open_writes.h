// Puts that arrive over TCP and are not sealed yet: which pages have come whole. The node writes
// their bytes itself, so it can also stop them: every write to the segment happens under the lock
// of its entry, after a look at the slot's word, and fence() returns only when no such write is at
// work.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <shared_mutex>
#include <unordered_map>
#include <vector>

#include "base/ids.h"
#include "pool/segment.h"

namespace aquifer::node {

/// One such put. Guarded by its mutex; shared by those who only write bytes to the segment, as the
/// streams of a client write pages of one value side by side.
struct OpenWrite {
  std::shared_mutex mutex;
  std::uint64_t generation = 0;
  base::PutId put{};
  std::vector<std::uint64_t> page_digests;
  std::vector<bool> page_whole;
};

class OpenWrites {
 public:
  /// The entry of a slot, made at the first piece. A newer generation replaces an older one; null
  /// for an older generation than the entry's, or for another put or size under the same.
  /// Thread-safe.
  std::shared_ptr<OpenWrite> enter(std::uint32_t slot, std::uint64_t generation,
                                   const base::PutId& put, std::uint64_t value_bytes);
  /// Forgets the entry and waits for the write in hand, if there is one. Requires that the slot's
  /// word has left `granted` already. Thread-safe.
  void fence(std::uint32_t slot);
  /// The same for all slots.
  void fence_all();

 private:
  std::mutex mutex_;
  std::unordered_map<std::uint32_t, std::shared_ptr<OpenWrite>> by_slot_;
};

}  // namespace aquifer::node
