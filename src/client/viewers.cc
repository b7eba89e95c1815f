#include "client/viewers.h"

#include "memory/fault_guard.h"

namespace aquifer::client {

using pool::SlotState;
using pool::SlotWord;

// First the bit, then the look: the counterpart of node::SegmentHost::retire.
bool Viewers::enter(std::uint32_t slot, std::uint64_t generation) {
  {
    const std::lock_guard lock(mutex_);
    if (held_[slot]++ == 0) {
      const std::uint64_t bit = std::uint64_t{1} << viewer_;
      const bool no_fault = memory::guarded(view_.base(), view_.shape().total_bytes(), [&] {
        view_.header().views[viewer_].fetch_add(1);
        view_.slot(slot).viewers.fetch_or(bit, std::memory_order_seq_cst);
      });
      if (!no_fault) {
        held_.erase(slot);
        return false;
      }
    }
  }
  std::uint64_t word = 0;
  const bool no_fault = memory::guarded(view_.base(), view_.shape().total_bytes(), [&] {
    word = view_.slot(slot).word.load(std::memory_order_seq_cst);
  });
  if (no_fault && word == SlotWord{generation, SlotState::kSealed}.raw()) {
    return true;
  }
  leave(slot);
  return false;
}

void Viewers::leave(std::uint32_t slot) {
  const std::lock_guard lock(mutex_);
  const auto found = held_.find(slot);
  if (found == held_.end() || --found->second > 0) {
    return;
  }
  held_.erase(found);
  const std::uint64_t bit = std::uint64_t{1} << viewer_;
  // Where the memory is gone there is nothing to hold any more.
  [[maybe_unused]] const bool no_fault =
      memory::guarded(view_.base(), view_.shape().total_bytes(), [&] {
        view_.slot(slot).viewers.fetch_and(~bit, std::memory_order_seq_cst);
        view_.header().views[viewer_].fetch_sub(1);
      });
}

}  // namespace aquifer::client
