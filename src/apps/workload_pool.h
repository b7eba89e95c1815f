// A pool for one measurement: a meta and some nodes as child processes on free ports of this host,
// gone when the measurement ends. Not the embedded pool (embed/): client and node must not share a
// process here.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "apps/workload_process.h"
#include "aquifer/result.h"

namespace aquifer::apps {

struct PrivatePoolOptions {
  std::string program{};  ///< what to run as `meta` and `node`; empty: the program that this is
  unsigned nodes = 1;     ///< with 0 a meta alone, for add_node()
  std::uint64_t dram_bytes = std::uint64_t{1} << 30;  ///< of each node
  bool evicts_ahead = true;  ///< as pools do; false: only when there is no room left
};

class PrivatePool {
 public:
  /// Starts meta and nodes and waits until all their memory is there. Errors: kIo, kTimeout, and
  /// what the pool says.
  static Result<PrivatePool> start(const PrivatePoolOptions& options);

  PrivatePool(PrivatePool&&) noexcept = default;
  PrivatePool& operator=(PrivatePool&&) = delete;
  ~PrivatePool();

  /// Starts one more node, waits until it says that it is ready, and returns its pid. Its memory
  /// may still be on its way. Errors: kIo, kTimeout.
  Result<pid_t> add_node(std::uint64_t dram_bytes);

  /// The address of its meta.
  const std::string& meta() const { return meta_; }

  /// The pid of its meta. Requires that the pool was not stopped.
  pid_t meta_process() const { return processes_.front().pid(); }

  /// Ends the nodes, then meta. Errors: kIo, when one of them had not run well to its end.
  Result<void> stop();

 private:
  PrivatePool(std::string program, ChildProcess meta, std::string address);

  std::string program_;
  std::vector<ChildProcess> processes_;  // meta first
  std::string meta_;
};

/// Bytes of DRAM that a pool of one node needs to hold `blocks` objects of `object_bytes` before it
/// evicts.
std::uint64_t pool_bytes_for(std::uint64_t blocks, std::uint64_t object_bytes,
                             bool evicts_ahead = true);

/// The other way round: how many objects of one size a node of `pool_bytes` holds before it evicts.
std::uint64_t pool_blocks_in(std::uint64_t pool_bytes, std::uint64_t object_bytes,
                             bool evicts_ahead = true);

}  // namespace aquifer::apps
