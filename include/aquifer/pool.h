// A whole pool inside this process: meta, one node and any number of clients, for tests, single
// machines and trying things out. Other processes of this host can join it by its address.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "aquifer/client.h"
#include "aquifer/export.h"
#include "aquifer/result.h"
#include "aquifer/types.h"

namespace aquifer {

namespace embed {
class Pool;
}

struct PoolOptions {
  std::uint64_t dram_bytes = std::uint64_t{1}
                             << 30;          ///< memory given to the pool, bytes (at least 1 MiB)
  std::string listen = "tcp://127.0.0.1:0";  ///< where meta listens; port 0 takes a free one
  std::string node_name{};                   ///< empty: made from the host's name and the pid
};

/// An embedded pool. Destroying it ends its threads and frees its memory. A failed check inside it
/// closes the pool (calls answer kClosed), never the process.
class AQUIFER_EXPORT Pool {
 public:
  /// Starts meta and node on threads of this process. Errors: kInvalidArgument, kNoSpace, kIo.
  static Result<Pool> open(PoolOptions options = {});

  Pool(Pool&&) noexcept;
  Pool& operator=(Pool&&) noexcept;
  ~Pool();

  /// A client of this pool; `options.meta` is filled in. Thread-safe.
  Result<Client> client(ClientOptions options = {}) const;

  /// The address of its meta, for clients in other processes.
  std::string meta_address() const;

  /// Ends the pool: clients answer kUnreachable afterwards. Repeatable, thread-safe.
  void close();

 private:
  explicit Pool(std::unique_ptr<embed::Pool> pool);
  std::unique_ptr<embed::Pool> pool_;
};

}  // namespace aquifer
