// Meta as a process: its state machine behind connections, as meta/server.cc has it behind sockets.
#pragma once

#include <map>
#include <memory>
#include <optional>

#include "meta/state_machine.h"
#include "sim/network.h"
#include "sim/oracle.h"
#include "sim/plan.h"
#include "sim/world.h"

namespace aquifer::sim {

class MetaProcess final : public Process, private meta::Outbox {
 public:
  MetaProcess(World& world, Network& network, Oracle& oracle, const Plan& plan)
      : Process(world, "meta"), network_(network), oracle_(oracle), plan_(plan) {}

  void start();
  void crash();
  void accept(std::shared_ptr<Connection> connection);
  /// Free, used and limbo of every node add up to its capacity.
  void check_space();
  protocol::PoolStatusReply status() { return state_->status(); }

 private:
  struct Session {
    std::shared_ptr<Connection> connection;
    rpc::Buffer out;
  };
  meta::Time now() const;
  void tick();
  /// Lets what has been said leave, in the order of sessions.
  void flush();
  void observe(std::string_view frames);
  void hear(const rpc::Frame& frame);

  rpc::Buffer* open(meta::SessionId session) override;
  void appended(meta::SessionId) override {}
  void close(meta::SessionId session) override;

  Network& network_;
  Oracle& oracle_;
  const Plan& plan_;
  std::optional<meta::StateMachine> state_;
  std::map<meta::SessionId, Session> sessions_;
  meta::SessionId last_session_ = 0;
  unsigned ticks_ = 0;
  std::uint64_t process_ = 0;  ///< the random id of this life
  bool is_informed_ = false;
};

}  // namespace aquifer::sim
