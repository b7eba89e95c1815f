// Copies of objects that meta orders from another node to this one: pulled through the other's data
// port, verified against its header and page digests, written and sealed here as any replica is.
// One thread, one copy at a time, which keeps it gentle. Not here: which objects, and how fast
// (meta).
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <string>
#include <thread>

#include "node/bulk_server.h"
#include "protocol/messages.h"

namespace aquifer::node {

class Copier {
 public:
  /// `on_done` is called on the copier's thread with what became of each order.
  Copier(CurrentSegment segment, std::function<void(const protocol::Copied&)> on_done);
  ~Copier() { stop(); }

  /// Thread-safe. After stop() nothing comes of it.
  void order(const protocol::Copy& copy);

  /// Ends the copy at hand within a piece, and the thread. Repeatable, on one thread at a time.
  void stop();

 private:
  struct Order {
    protocol::Copy copy;
    std::string address;  ///< what `copy` names, kept
  };
  void run();
  Result<std::uint64_t> carry_out(const Order& order);

  const CurrentSegment segment_;
  const std::function<void(const protocol::Copied&)> on_done_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Order> orders_;
  bool stopping_ = false;
  std::thread thread_;  // last: it uses the others
};

}  // namespace aquifer::node
