// A LocalService inside this process: it gives memory to a pool whose meta is elsewhere, as
// `aquifer node` does as a program. What lies in it is gone when this process is, unless the
// memory is in a folder and kept.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "aquifer/export.h"
#include "aquifer/result.h"

namespace aquifer {

namespace node {
class Server;
}

struct NodeOptions {
  std::string meta = "tcp://127.0.0.1:5000";          ///< the pool to join
  std::uint64_t dram_bytes = std::uint64_t{1} << 30;  ///< memory given, bytes (at least 1 MiB)
  std::string name{};                                 ///< empty: from the host's name and pid
  std::string listen = "tcp://127.0.0.1:0";           ///< the data port, for other hosts
  std::string advertise{};  ///< address told to clients; empty: the data port's own
  std::string zone{};       ///< what the node shares the fate of, as a rack
  std::string segments{};   ///< folder of the segment's file; empty: anonymous memory
  bool keep = false;        ///< the file outlives the node, which may come back to it
};

/// A running node. Destroying it leaves the pool and frees the memory. Thread-safe.
class AQUIFER_EXPORT Node {
 public:
  /// Makes the memory and begins to join; a meta that is not there yet is no error. Errors:
  /// kInvalidArgument, kConflict (port in use), kNoSpace, kIo.
  static Result<Node> start(const NodeOptions& options = {});

  Node(Node&&) noexcept;
  Node& operator=(Node&&) noexcept;
  ~Node();

  std::string name() const;

  /// The address of the data port, with the real port.
  std::string address() const;

  /// Waits up to `time` until it has joined and its first memory is there; true when it is.
  bool wait_ready(std::chrono::milliseconds time);

  /// Waits up to `time` for it to end by itself (its name is taken, it was drained, a failed
  /// check), and says why if it did.
  std::optional<Error> wait_failed(std::chrono::milliseconds time) const;

  /// Leaves the pool and frees the memory. Repeatable.
  void stop();

 private:
  explicit Node(std::unique_ptr<node::Server> server);
  std::unique_ptr<node::Server> server_;
};

}  // namespace aquifer
