// A MetaService inside this process: it knows where the objects of a pool are. `aquifer meta` is
// the same as a program.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>

#include "aquifer/export.h"
#include "aquifer/result.h"

namespace aquifer {

namespace meta {
class Server;
}

struct MetaOptions {
  std::string listen = "tcp://127.0.0.1:0";  ///< port 0 takes a free one
  /// Shares of a node's space, 0 < low < high < 1: eviction ahead of need begins when more than
  /// `evict_high` is in use, and ends at `evict_low`. Zero: it begins as late as it can, when 64
  /// MiB are left of a large node.
  double evict_high = 0;
  double evict_low = 0;
  std::chrono::milliseconds node_grace{5000};    ///< a node silent for longer is lost
  std::chrono::milliseconds client_grace{1000};  ///< a client gone for longer has its puts aborted
};

/// A running meta. Destroying it ends its thread; nodes and clients wait for the next one. A failed
/// check ends it (failure()), never the process. Thread-safe.
class AQUIFER_EXPORT Meta {
 public:
  /// Errors: kInvalidArgument (address, shares), kConflict (port in use), kIo.
  static Result<Meta> start(const MetaOptions& options = {});

  Meta(Meta&&) noexcept;
  Meta& operator=(Meta&&) noexcept;
  ~Meta();

  /// Where clients and nodes find it, with the real port.
  std::string address() const;

  /// Waits up to `time` for it to end by itself, and says why if it did.
  std::optional<Error> wait_failed(std::chrono::milliseconds time) const;

  /// Ends it. Repeatable.
  void stop();

 private:
  explicit Meta(std::unique_ptr<meta::Server> server);
  std::unique_ptr<meta::Server> server_;
};

}  // namespace aquifer
