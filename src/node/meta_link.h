// The node's connection to its meta: connects, connects again when the connection ends (bounded
// back-off, with jitter), and moves frames and time to the control logic. Lives on the node's
// control loop. Not here: what is said (control.h).
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include "io/address.h"
#include "io/loop.h"
#include "node/control.h"
#include "rpc/connection.h"

namespace aquifer::node {

class MetaLink final : private Control::Line {
 public:
  /// `address` is that of the data port, as clients are to reach it.
  MetaLink(io::Loop& loop, io::Address meta, std::string address, Control::Identity identity,
           Control::Hooks hooks);

  /// Starts connecting; goes on until the loop ends.
  void start();
  /// More memory has been populated: grant what meta is waiting for.
  void memory_grew() { control_.memory_grew(); }
  /// What became of an order to copy.
  void copied(const protocol::Copied& message) { control_.copied(message); }
  /// Says goodbye; `done` is called when meta has answered or cannot be reached.
  void leave(std::function<void()> done) { control_.leave(std::move(done)); }
  /// Ends the connection without a word: the node will be back.
  void drop();

 private:
  void connect();
  void retry();
  void give_up_on(const rpc::Connection* asked);
  void tell_waiting(const std::string& why);
  std::string advertised() const;
  void on_close(const std::string& why);

  rpc::Buffer* out() override { return connection_ == nullptr ? nullptr : connection_->out(); }
  void appended() override { connection_->appended(); }
  void close() override;
  void on_joined() override;
  void step_soon() override;

  io::Loop& loop_;
  const io::Address meta_;
  const std::string address_;
  const std::function<void(const std::string&)> on_event_;
  Control control_;
  std::shared_ptr<rpc::Connection> connection_;
  bool told_waiting_ = false;
  std::chrono::milliseconds backoff_;
};

}  // namespace aquifer::node
