// The data port: reads and writes of values over TCP (protocol/bulk.h), on a few event loops with a
// thread each. One connection is one small state machine that holds a bounded buffer; the bytes go
// straight between the socket and the segment.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "aquifer/result.h"
#include "aquifer/types.h"
#include "base/unique_fd.h"
#include "node/segment_host.h"

namespace aquifer::node {

/// The segment being served; null while there is none. Thread-safe. A holder keeps the segment
/// alive.
using CurrentSegment = std::function<std::shared_ptr<SegmentHost>()>;

struct BulkCounters {
  std::atomic<std::uint64_t> read{0};
  std::atomic<std::uint64_t> written{0};
};

class BulkServer {
 public:
  static constexpr std::size_t kConnectionsMax = 4096;

  /// `on_failure` is told when a thread ended by a failed check. Of connections that have not made
  /// a request the oldest is closed where there would be more than `connections_max`, and each
  /// after some seconds.
  BulkServer(base::UniqueFd listening, unsigned threads, CurrentSegment segment,
             std::function<void(const std::string&)> on_failure,
             std::size_t connections_max = kConnectionsMax);
  ~BulkServer();
  const BulkCounters& counters() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace aquifer::node
