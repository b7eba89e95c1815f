// What the nodes of a pool have counted by themselves while something was measured: the witness
// that bytes went the way a row says. Does not know who moved them.
#pragma once

#include <cstdint>

#include "apps/bench_copies.h"
#include "aquifer/client.h"

namespace aquifer::apps {

/// The bytes of values that all nodes together saw moved one way from a moment on. A plain value.
class BenchNodeBytes {
 public:
  BenchNodeBytes() = default;

  /// Counts from now on. Errors: a pool that does not answer.
  static Result<BenchNodeBytes> start(Client& client, Transport transport, Direction direction);

  /// What was counted since, waited for until it is at least `expected`, as clients report what
  /// they moved through mapped memory only from time to time; fewer when it does not get there.
  Result<std::uint64_t> since(Client& client, std::uint64_t expected) const;

 private:
  Result<std::uint64_t> now(Client& client) const;

  Transport transport_ = Transport::kShm;
  Direction direction_ = Direction::kPut;
  std::uint64_t before_ = 0;
};

}  // namespace aquifer::apps
