#include "client/slot_uses.h"

#include "memory/fault_guard.h"

namespace aquifer::client {

using pool::SlotState;
using pool::SlotWord;

// First the bit, then the look: the counterpart of node::SegmentHost::is_used.
bool SlotUses::enter(std::uint32_t slot, std::uint64_t generation, Kind kind) {
  {
    const std::lock_guard lock(mutex_);
    std::uint32_t& held = held_[slot];
    const bool no_fault = memory::guarded(view_.base(), view_.shape().total_bytes(), [&] {
      count_of(kind).fetch_add(1);
      if (held == 0) {
        view_.slot(slot).users.fetch_or(std::uint64_t{1} << user_, std::memory_order_seq_cst);
      }
    });
    if (!no_fault) {
      if (held == 0) {
        held_.erase(slot);
      }
      return false;
    }
    ++held;
  }
  std::uint64_t word = 0;
  const bool no_fault = memory::guarded(view_.base(), view_.shape().total_bytes(), [&] {
    word = view_.slot(slot).word.load(std::memory_order_seq_cst);
  });
  const SlotState state = kind == Kind::kView ? SlotState::kSealed : SlotState::kGranted;
  if (no_fault && word == SlotWord{generation, state}.raw()) {
    return true;
  }
  leave(slot, kind);
  return false;
}

void SlotUses::leave(std::uint32_t slot, Kind kind) {
  const std::lock_guard lock(mutex_);
  const auto found = held_.find(slot);
  if (found == held_.end()) {
    return;
  }
  const bool last = --found->second == 0;
  if (last) {
    held_.erase(found);
  }
  // Where the memory is gone there is nothing to hold any more.
  [[maybe_unused]] const bool no_fault =
      memory::guarded(view_.base(), view_.shape().total_bytes(), [&] {
        if (last) {
          view_.slot(slot).users.fetch_and(~(std::uint64_t{1} << user_), std::memory_order_seq_cst);
        }
        count_of(kind).fetch_sub(1);
      });
}

}  // namespace aquifer::client
