// The LocalService as a running server: owns segments, joins a meta, serves same-host clients by
// handing out its memory and all others over TCP. Runs on threads of its own. Not here: where
// objects go (meta) and what is in them (clients).
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "aquifer/result.h"

namespace aquifer::node {

struct ServerOptions {
  std::string meta = "tcp://127.0.0.1:5000";
  std::uint64_t dram_bytes = std::uint64_t{1} << 30;  ///< size of the data area, bytes
  std::string name{};  ///< empty: HOST-PID; with a folder for segments the first of HOST, HOST-2
                       ///< and so on that no living node has there
  std::string listen = "tcp://127.0.0.1:0";  ///< the data port
  std::string advertise{};    ///< address told to clients; empty: the data port's own
  std::string zone{};         ///< what the node shares the fate of, as a rack; empty: nothing
  std::string segments{};     ///< folder for segment files; empty: anonymous memory (memfd)
  bool keep = false;          ///< the file outlives stop(), to be attached to again
  bool fresh = false;         ///< what an earlier process left is replaced by an empty segment
  unsigned data_threads = 2;  ///< threads that serve TCP reads and writes
};

/// Why the segment of a node with these options cannot be made in its folder, if it cannot: no such
/// folder, or not enough room. One that an earlier process has left there counts as room.
std::optional<std::string> no_room_for_segment(const ServerOptions& options);

class Server {
 public:
  /// Makes the segment, or attaches to the one that a node of this name has left, listens, and
  /// keeps trying to join its meta until stopped. `on_event` (may be empty) is told in plain words
  /// what happens: "waiting for meta at ...", "joined ...". Called on a thread of the server.
  /// Errors: kInvalidArgument, kConflict (port in use, name taken is reported by wait_failed),
  /// kNoSpace (the folder's file system is too small), kIo.
  static Result<std::unique_ptr<Server>> start(
      const ServerOptions& options, std::function<void(const std::string&)> on_event = {});

  virtual ~Server() = default;

  virtual std::string name() const = 0;
  /// The address of the data port, with the real port.
  virtual std::string address() const = 0;

  /// Waits up to `time` until the node has joined its meta and offered its first memory; true when
  /// it has.
  virtual bool wait_ready(std::chrono::milliseconds time) = 0;

  /// Waits up to `time` for the node to end by itself (refused by meta, drained, a failed check);
  /// says why if it did: kClosed when it was drained.
  virtual std::optional<Error> wait_failed(std::chrono::milliseconds time) = 0;

  /// Ends all threads. Leaves the pool, frees the memory and removes its file, unless it is to be
  /// kept. Repeatable, thread-safe.
  virtual void stop() = 0;
};

}  // namespace aquifer::node
