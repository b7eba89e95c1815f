// Who is filling what: the right to compute and put a key that is missing, given to one asker at a
// time. It saves work and is never needed for correctness: it is lost with meta, bounded in number
// and time, and two fillers may exist. Plain state: time comes with the calls.
#pragma once

#include <map>
#include <unordered_map>

#include "base/ids.h"
#include "meta/eviction.h"

namespace aquifer::meta {

class FillLeases {
 public:
  static constexpr std::size_t kMax = 1u << 16;

  /// How long somebody else has had the right to fill the key, or zero when it is the asker's now
  /// (anew, or still), for `hold`. Where there are too many leases everybody may fill.
  Time ask(const base::Hash128& hash, base::ClientId client, Time hold, Time now);
  /// The key was put.
  void end(const base::Hash128& hash);
  /// A put of the key by this client came to nothing.
  void give_up(const base::Hash128& hash, base::ClientId client);
  /// The client is gone.
  void end_of(base::ClientId client);
  /// Ends those whose time is over.
  void tick(Time now);
  std::size_t size() const { return leases_.size(); }

 private:
  using ByEnd = std::multimap<Time, base::Hash128>;
  struct Lease {
    base::ClientId holder{};
    Time since{};
    ByEnd::iterator end{};
  };
  using Leases = std::unordered_map<base::Hash128, Lease>;
  void erase(Leases::iterator lease);

  Leases leases_;
  ByEnd by_end_;
};

}  // namespace aquifer::meta
