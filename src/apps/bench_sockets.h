// The socket limit of this machine for one block workload: a peer in other processes sends and
// takes the same pieces over plain loopback TCP, with as many streams, and nothing else: no framing
// beyond one request a batch, and digests only where they are asked for.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <span>
#include <vector>

#include "apps/bench_copies.h"
#include "apps/bench_crew.h"
#include "apps/workload_blocks.h"
#include "aquifer/result.h"
#include "base/unique_fd.h"

namespace aquifer::apps {

/// The caller's ends of the streams, and the peer: one forked process a stream, each serving out of
/// the same shared memory. The peer ends with this object or with this process.
class BenchSockets {
 public:
  /// Forks, so call it before the process has other threads. `memory` (shared, of whole objects) is
  /// what the peer sends from and receives into; it outlives this object. `send_bytes` bounds what
  /// is on its way in each stream and direction; 0 leaves that to the system. Errors: kIo.
  static Result<BenchSockets> start(std::span<std::byte> memory, unsigned streams,
                                    int send_bytes = 0);

  BenchSockets(BenchSockets&&) noexcept = default;
  BenchSockets& operator=(BenchSockets&&) = delete;
  ~BenchSockets();

  /// Moves `times` as many slots as `range` has, from its first on, in batches of `batch`, each
  /// batch split evenly over the streams, by the members of the crew; with `digests` the bytes are
  /// digested too (bench_socket_stream.h). Returns the seconds that took. Errors: kIo.
  Result<double> run(Direction direction, const BlockBuffers& buffers, SlotRange range,
                     std::size_t batch, unsigned times, bool digests, BenchCrew& crew) const;

 private:
  explicit BenchSockets(std::size_t memory_bytes) : memory_bytes_(memory_bytes) {}

  std::size_t memory_bytes_;
  std::vector<base::UniqueFd> streams_;
  std::vector<pid_t> peers_;
};

}  // namespace aquifer::apps
