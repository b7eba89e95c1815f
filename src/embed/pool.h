// A whole pool inside one process: meta and one node on threads of their own. The public face is
// aquifer/pool.h.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "aquifer/pool.h"
#include "meta/server.h"
#include "node/server.h"

namespace aquifer::embed {

class Pool {
 public:
  /// `meta_options` is for tests; its address is taken from `options`.
  static Result<std::unique_ptr<Pool>> open(const PoolOptions& options,
                                            meta::ServerOptions meta_options = {});
  ~Pool();
  std::string meta_address() const { return address_; }
  void close();

 private:
  Pool() = default;
  void watch();
  void stop_parts();

  std::string address_;
  std::unique_ptr<meta::Server> meta_;
  std::unique_ptr<node::Server> node_;
  std::mutex mutex_;
  std::atomic<bool> closing_{false};
  std::thread watcher_;  ///< closes the pool when a check failed in one of its parts
};

}  // namespace aquifer::embed
