// The slots of one mapped segment that this process uses in place: objects that it views, and slots
// that it writes. Its bit in a slot's `users` word says so to the node, which does not grant a slot
// anew under it. Several uses of one slot share the bit. Thread-safe.
#pragma once

#include <cstdint>
#include <mutex>
#include <unordered_map>

#include "pool/segment.h"

namespace aquifer::client {

class SlotUses {
 public:
  /// `user` is what the node gave to this client; kUsersMax and more: it uses no slots in place.
  SlotUses(const pool::SegmentView& view, std::uint32_t user) : view_(view), user_(user) {}

  bool usable() const { return user_ < pool::kUsersMax; }

  enum class Kind : std::uint8_t { kView, kWrite };

  /// Holds the slot; false, and nothing held, when it does not have this generation in the state to
  /// view (sealed) or to write (granted) any more. May fault (memory::guarded). Requires usable()
  /// and slot < slot_count().
  bool enter(std::uint32_t slot, std::uint64_t generation, Kind kind);
  /// Ends one enter().
  void leave(std::uint32_t slot, Kind kind);

 private:
  std::atomic<std::uint64_t>& count_of(Kind kind) const {
    auto& header = view_.header();
    return (kind == Kind::kView ? header.views : header.writes)[user_];
  }

  const pool::SegmentView view_;
  const std::uint32_t user_;
  std::mutex mutex_;
  std::unordered_map<std::uint32_t, std::uint32_t> held_;  ///< slot -> uses
};

}  // namespace aquifer::client
