// The MetaService as a running server: the state machine of meta (state_machine.h) with sockets and
// a clock around it, on one thread of its own. Not here: any decision about objects.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "aquifer/result.h"

namespace aquifer::meta {

struct ServerOptions {
  std::string listen = "tcp://127.0.0.1:5000";
  std::chrono::milliseconds node_grace{
      5000};  ///< a node silent for longer is lost, with what it holds
  std::chrono::milliseconds client_grace{
      1000};  ///< a client gone for longer has its open puts aborted
  std::chrono::milliseconds suspect_after{
      1000};  ///< a node silent for longer gets nothing new until it is heard again
  std::chrono::milliseconds hello_time{
      5000};  ///< a connection that has not said who it is by then is closed
  std::uint32_t connections_max = 4096;
  std::uint64_t reserve_low_bytes = std::uint64_t{48}
                                    << 20;  ///< background eviction on a node begins below
  std::uint64_t reserve_high_bytes = std::uint64_t{64} << 20;  ///< and ends at this much free
  double reserve_low_share = 1.0 / 64;   ///< of a node's space, at most as much as the bytes say
  double reserve_high_share = 1.0 / 32;  ///< the same
  std::uint64_t copy_bytes_per_second = std::uint64_t{256}
                                        << 20;  ///< for repairs and drains, of all nodes together
  std::uint32_t hot_uses_per_second =
      2000;  ///< an object used more often gets another replica; 0: none does
  std::chrono::milliseconds forget_after{
      3'600'000};                   ///< a lost node whose memory lasts is remembered for so long
  double pinned_share_max = 0.5;    ///< of a node's space
  bool fault_failed_check = false;  ///< tests only: a check fails at the first removal
  bool fault_reuse_limbo = false;   ///< tests only: hand out bytes that may still have a writer
};

class Server {
 public:
  /// Listens and serves on a thread of its own. Errors: kInvalidArgument (address), kConflict (port
  /// in use), kIo.
  static Result<std::unique_ptr<Server>> start(const ServerOptions& options);

  virtual ~Server() = default;

  /// The address clients use, with the real port.
  virtual std::string address() const = 0;

  /// Waits up to `time` for the server to end by itself (a failed check); says why if it did.
  /// Thread-safe.
  virtual std::optional<Error> wait_failed(std::chrono::milliseconds time) = 0;

  /// Ends the server and joins its thread. Repeatable, thread-safe.
  virtual void stop() = 0;
};

}  // namespace aquifer::meta
