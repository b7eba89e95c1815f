// A pool for one measurement: a meta and some nodes as child processes on free ports of this host,
// gone when the measurement ends. Not the embedded pool (embed/): client and node must not share a
// process here.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
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
  bool lasts = false;        ///< the memory of a node that is killed is there for its next process
  std::vector<std::string> meta_words{};  ///< further arguments
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

  /// The pid of its meta. Requires that it runs.
  pid_t meta_process() const { return process(kMeta); }

  /// Servers have numbers: meta is 0, the nodes follow as they were added. Requires that it runs.
  pid_t process(std::size_t server) const { return servers_[server].process->pid(); }

  /// Kills a server (SIGKILL).
  void kill(std::size_t server);
  /// Starts a server that was killed as it was started, meta at the same address, and waits until
  /// it says that it is ready. Errors: kIo, kTimeout.
  Result<pid_t> start_again(std::size_t server);

  static constexpr std::size_t kMeta = 0;

  /// Ends the nodes, then meta. What killed nodes have left is removed. Errors: kIo, when one of
  /// them had not run well to its end.
  Result<void> stop();

 private:
  struct Server {
    std::vector<std::string> words;
    std::chrono::milliseconds patience{};
    std::string segment_file{};  ///< empty: its memory ends with it
    std::optional<ChildProcess> process{};
  };
  explicit PrivatePool(const PrivatePoolOptions& options);
  Result<void> start_meta(const PrivatePoolOptions& options);
  Result<pid_t> start(Server& server);

  std::string program_;
  bool lasts_;
  std::string name_;  // of this pool among all that run here
  std::vector<Server> servers_{};
  std::string meta_{};
};

/// Bytes of DRAM that a pool of one node needs to hold `blocks` objects of `object_bytes` before it
/// evicts.
std::uint64_t pool_bytes_for(std::uint64_t blocks, std::uint64_t object_bytes,
                             bool evicts_ahead = true);

/// The other way round: how many objects of one size a node of `pool_bytes` holds before it evicts.
std::uint64_t pool_blocks_in(std::uint64_t pool_bytes, std::uint64_t object_bytes,
                             bool evicts_ahead = true);

}  // namespace aquifer::apps
