#include "meta/fill_leases.h"

#include <algorithm>

namespace aquifer::meta {

Time FillLeases::ask(const base::Hash128& hash, base::ClientId client, Time hold, Time now) {
  auto found = leases_.find(hash);
  if (found != leases_.end() && now >= found->second.end->first) {
    erase(found);
    found = leases_.end();
  }
  if (found != leases_.end() && found->second.holder != client) {
    return std::max(now - found->second.since, Time(1));
  }
  if (found == leases_.end()) {
    if (leases_.size() >= kMax) {
      return Time(0);
    }
    leases_[hash] = {client, now, by_end_.emplace(now + hold, hash)};
    return Time(0);
  }
  by_end_.erase(found->second.end);
  found->second.end = by_end_.emplace(now + hold, hash);
  return Time(0);
}

void FillLeases::end(const base::Hash128& hash) {
  if (const auto found = leases_.find(hash); found != leases_.end()) {
    erase(found);
  }
}

void FillLeases::give_up(const base::Hash128& hash, base::ClientId client) {
  if (const auto found = leases_.find(hash);
      found != leases_.end() && found->second.holder == client) {
    erase(found);
  }
}

void FillLeases::end_of(base::ClientId client) {
  for (auto at = leases_.begin(); at != leases_.end();) {
    const auto next = std::next(at);
    if (at->second.holder == client) {
      erase(at);
    }
    at = next;
  }
}

void FillLeases::tick(Time now) {
  while (!by_end_.empty() && by_end_.begin()->first <= now) {
    erase(leases_.find(by_end_.begin()->second));
  }
}

void FillLeases::erase(Leases::iterator lease) {
  by_end_.erase(lease->second.end);
  leases_.erase(lease);
}

}  // namespace aquifer::meta
