#include "meta/fill_leases.h"

#include <algorithm>

namespace aquifer::meta {

Time FillLeases::ask(const base::Hash128& hash, base::ClientId client, Time hold, Time now) {
  auto found = leases_.find(hash);
  if (found != leases_.end() && found->second.until > now && found->second.holder != client) {
    return std::max(now - found->second.since, Time(1));
  }
  if (found == leases_.end() && (leases_.size() >= kMax || by_end_.size() >= 2 * kMax)) {
    return Time(0);
  }
  const bool is_its_own = found != leases_.end() && found->second.until > now;
  leases_[hash] = {client, is_its_own ? found->second.since : now, now + hold};
  by_end_.emplace(now + hold, hash);
  return Time(0);
}

void FillLeases::end(const base::Hash128& hash) {
  if (!leases_.empty()) {
    leases_.erase(hash);
  }
}

void FillLeases::end_of(base::ClientId client) {
  std::erase_if(leases_, [&](const auto& entry) { return entry.second.holder == client; });
}

void FillLeases::tick(Time now) {
  while (!by_end_.empty() && by_end_.begin()->first <= now) {
    const auto found = leases_.find(by_end_.begin()->second);
    if (found != leases_.end() && found->second.until <= now) {
      leases_.erase(found);
    }
    by_end_.erase(by_end_.begin());
  }
}

}  // namespace aquifer::meta
