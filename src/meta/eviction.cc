#include "meta/eviction.h"

namespace aquifer::meta {
namespace {

constexpr std::size_t kUsesWrittenDown = 1024;
constexpr std::size_t kAhead = 16;  // entries on their way from memory at a time

}  // namespace

void LeastRecentlyUsed::append_newest(Order& order, ReplicaIndex replica) {
  entries_[replica] = {order.newest, kNone, ++uses_};
  (order.newest == kNone ? order.oldest : entries_[order.newest].newer) = replica;
  order.newest = replica;
}

void LeastRecentlyUsed::unlink(Order& order, ReplicaIndex replica) {
  const Entry& entry = entries_[replica];
  (entry.older == kNone ? order.oldest : entries_[entry.older].newer) = entry.newer;
  (entry.newer == kNone ? order.newest : entries_[entry.newer].older) = entry.older;
}

void LeastRecentlyUsed::added(SegmentIndex segment, ReplicaIndex replica, const EvictionFacts&,
                              Time) {
  apply_uses();
  if (segment >= orders_.size()) {
    orders_.resize(segment + 1);
  }
  entries_.grow_to(std::size_t{replica} + 1);
  append_newest(orders_[segment], replica);
  ++orders_[segment].count;
}

void LeastRecentlyUsed::used(SegmentIndex segment, ReplicaIndex replica, Time) {
  written_down_.push_back({segment, replica});
  if (written_down_.size() == kUsesWrittenDown) {
    apply_uses();
  }
}

// First the entry is asked for, then, when it has come, its neighbours, and then it is moved.
void LeastRecentlyUsed::apply_uses() {
  const auto fetch = [&] [[gnu::always_inline]] (ReplicaIndex replica) {
    if (replica != kNone) {
      __builtin_prefetch(&entries_[replica], 1);
    }
  };
  const std::size_t count = written_down_.size();
  for (std::size_t i = 0; i < count + 2 * kAhead && count != 0; ++i) {
    if (i < count) {
      fetch(written_down_[i].replica);
    }
    if (i >= kAhead && i - kAhead < count) {
      const Entry& entry = entries_[written_down_[i - kAhead].replica];
      fetch(entry.older);
      fetch(entry.newer);
    }
    if (i >= 2 * kAhead) {
      const auto [segment, replica] = written_down_[i - 2 * kAhead];
      unlink(orders_[segment], replica);
      append_newest(orders_[segment], replica);
    }
  }
  written_down_.clear();
}

void LeastRecentlyUsed::removed(SegmentIndex segment, ReplicaIndex replica) {
  apply_uses();
  unlink(orders_[segment], replica);
  --orders_[segment].count;
}

ReplicaIndex LeastRecentlyUsed::victim(SegmentIndex segment) {
  apply_uses();
  return segment < orders_.size() ? orders_[segment].oldest : kNone;
}

std::uint64_t LeastRecentlyUsed::loss(SegmentIndex segment) {
  apply_uses();
  return entries_[orders_[segment].oldest].last_use;
}

std::uint64_t LeastRecentlyUsed::worth(ReplicaIndex replica) {
  apply_uses();
  return entries_[replica].last_use;
}

std::uint64_t LeastRecentlyUsed::count(SegmentIndex segment) const {
  return segment < orders_.size() ? orders_[segment].count : 0;
}

}  // namespace aquifer::meta
