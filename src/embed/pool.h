// A whole pool inside one process: meta and one node on threads of their own. The public face is
// aquifer/pool.h.
#pragma once

#include <memory>
#include <mutex>
#include <string>

#include "aquifer/pool.h"
#include "meta/server.h"
#include "node/server.h"

namespace aquifer::embed {

class Pool {
 public:
  static Result<std::unique_ptr<Pool>> open(const PoolOptions& options);
  ~Pool();
  std::string meta_address() const { return address_; }
  void close();

 private:
  Pool() = default;

  std::string address_;
  std::unique_ptr<meta::Server> meta_;
  std::unique_ptr<node::Server> node_;
  std::mutex mutex_;
  bool closed_ = false;
};

}  // namespace aquifer::embed
