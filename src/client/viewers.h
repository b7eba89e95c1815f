// The views that this process holds in one mapped segment: its bit in the slots' `viewers` words.
// Several views of one object share the bit. Thread-safe.
#pragma once

#include <cstdint>
#include <mutex>
#include <unordered_map>

#include "pool/segment.h"

namespace aquifer::client {

class Viewers {
 public:
  /// `viewer` is what the node gave to this client; kViewersMax and more: it holds no views.
  Viewers(const pool::SegmentView& view, std::uint32_t viewer) : view_(view), viewer_(viewer) {}

  bool usable() const { return viewer_ < pool::kViewersMax; }

  /// Holds the slot; false, and nothing held, when it does not have this sealed generation any
  /// more. May fault (memory::guarded). Requires usable() and slot < slot_count().
  bool enter(std::uint32_t slot, std::uint64_t generation);
  /// Ends one enter().
  void leave(std::uint32_t slot);

 private:
  const pool::SegmentView view_;
  const std::uint32_t viewer_;
  std::mutex mutex_;
  std::unordered_map<std::uint32_t, std::uint32_t> held_;  ///< slot -> views
};

}  // namespace aquifer::client
