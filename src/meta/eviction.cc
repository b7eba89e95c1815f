#include "meta/eviction.h"

namespace aquifer::meta {

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
  if (segment >= orders_.size()) {
    orders_.resize(segment + 1);
  }
  if (replica >= entries_.size()) {
    entries_.resize(replica + 1);
  }
  append_newest(orders_[segment], replica);
  ++orders_[segment].count;
}

void LeastRecentlyUsed::used(SegmentIndex segment, ReplicaIndex replica, Time) {
  unlink(orders_[segment], replica);
  append_newest(orders_[segment], replica);
}

void LeastRecentlyUsed::removed(SegmentIndex segment, ReplicaIndex replica) {
  unlink(orders_[segment], replica);
  --orders_[segment].count;
}

ReplicaIndex LeastRecentlyUsed::victim(SegmentIndex segment) const {
  return segment < orders_.size() ? orders_[segment].oldest : kNone;
}

std::uint64_t LeastRecentlyUsed::loss(SegmentIndex segment) const {
  return entries_[orders_[segment].oldest].last_use;
}

std::uint64_t LeastRecentlyUsed::count(SegmentIndex segment) const {
  return segment < orders_.size() ? orders_[segment].count : 0;
}

}  // namespace aquifer::meta
