#include "meta/open_puts.h"

namespace aquifer::meta {

using base::short_hash;

template <OpenPut::Links OpenPut::*kLinks>
void OpenPuts::link_first(OpenPutIndex put, OpenPutIndex first) {
  records_[put].*kLinks = {kNone, first};
  if (first != kNone) {
    (records_[first].*kLinks).before = put;
  }
}

// The first of the list afterwards.
template <OpenPut::Links OpenPut::*kLinks>
OpenPutIndex OpenPuts::unlink(OpenPutIndex put, OpenPutIndex first) {
  const auto [before, after] = records_[put].*kLinks;
  if (after != kNone) {
    (records_[after].*kLinks).before = before;
  }
  if (before != kNone) {
    (records_[before].*kLinks).after = after;
  }
  return put == first ? after : first;
}

OpenPut& OpenPuts::blank() {
  if (free_.empty()) {
    free_.push_back(static_cast<OpenPutIndex>(records_.size()));
    records_.grow_to(records_.size() + 1);
  }
  return records_[free_.back()];
}

OpenPutIndex OpenPuts::open() {
  const OpenPutIndex index = free_.back();
  free_.pop_back();
  OpenPut& put = records_[index];
  put.cancelled = put.publishing = false;
  put.epoch = epoch_;
  put.sequence = numbers_.begin(index);
  const OpenPutIndex first = first_of_key(put.hash);
  link_first<&OpenPut::of_key>(index, first);
  if (first == kNone) {
    by_key_.insert(short_hash(put.hash), index);
  } else {
    by_key_.replace(short_hash(put.hash), first, index);
  }
  auto& first_of_client = by_client_.try_emplace(put.client, kNone).first->second;
  link_first<&OpenPut::of_client>(index, first_of_client);
  first_of_client = index;
  auto& first_of_time = by_time_.try_emplace(put.expires, kNone).first->second;
  link_first<&OpenPut::of_time>(index, first_of_time);
  first_of_time = index;
  return index;
}

OpenPutIndex OpenPuts::first_of_key(const base::Hash128& hash) const {
  return by_key_.find(short_hash(hash),
                      [&](OpenPutIndex put) { return records_[put].hash == hash; });
}

void OpenPuts::close(OpenPutIndex index, Status outcome) {
  OpenPut& put = records_[index];
  const OpenPutIndex first = first_of_key(put.hash);
  const OpenPutIndex next = unlink<&OpenPut::of_key>(index, first);
  if (next == kNone) {
    by_key_.erase(short_hash(put.hash), index);
  } else if (next != first) {
    by_key_.replace(short_hash(put.hash), first, next);
  }
  const auto of_client = by_client_.find(put.client);
  of_client->second = unlink<&OpenPut::of_client>(index, of_client->second);
  if (of_client->second == kNone) {
    by_client_.erase(of_client);
  }
  if (put.expires != kNever) {
    const auto of_time = by_time_.find(put.expires);
    of_time->second = unlink<&OpenPut::of_time>(index, of_time->second);
    if (of_time->second == kNone) {
      by_time_.erase(of_time);
    }
  }
  numbers_.end(put.sequence, outcome);
  put.sequence = 0;
  put.replicas.clear();
  free_.push_back(index);
}

}  // namespace aquifer::meta
