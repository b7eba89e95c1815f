// A client as a process: a real session, whose calls run on threads of the simulation. Not here:
// what the session has around it (surroundings.h), and what calls are made (calls.h).
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "client/session.h"
#include "sim/network.h"
#include "sim/node_process.h"
#include "sim/oracle.h"
#include "sim/plan.h"
#include "sim/threads.h"
#include "sim/world.h"

namespace aquifer::sim {

inline constexpr std::string_view kSpace = "sim";

class ClientProcess;

/// A call under way: made by a caller of the session, and heard of by the oracle.
class Call {
 public:
  Call(ClientProcess& client, std::uint32_t key, Micros deadline);
  virtual ~Call() = default;

  /// On a thread of the client: the whole of it.
  void run();

  /// What is heard of it on its way. A request of this call has been answered, by the meta of that
  /// life.
  virtual void on_answer(const rpc::Frame& request, std::string_view reply, std::uint64_t meta);
  /// A transfer of this call is about to write; or it has looked at the slot for the last time.
  virtual void on_write(const client::Transfer&) {}
  virtual void on_read(const client::Transfer&) {}
  /// A transfer that was to be sealed has not been: Fault::kAcknowledgesUnsealed.
  virtual void on_unsealed(const client::Transfer&) {}

  /// The next step; now and then the thread stands still before it.
  void step();

 protected:
  virtual void make() = 0;
  World& world() const;
  client::Session& session() const;
  Oracle& oracle() const;
  /// With what is left until the deadline.
  client::Call begin() const;
  bool is_late() const;
  /// At least a millisecond.
  std::chrono::milliseconds time_left() const {
    return std::chrono::milliseconds(is_late() ? 1 : (deadline_ - world().now()) / 1000 + 1);
  }
  template <class... Parts>
  void say(const Parts&... parts) const {
    say_of(name_, parts...);
  }
  /// Of one key of several.
  template <class... Parts>
  void say_of(const std::string& name, const Parts&... parts) const;

  ClientProcess& client_;
  const std::uint32_t key_;
  const std::string name_;
  const Micros deadline_;
  std::uint64_t begun_ = 0;
  std::uint64_t answered_by_ = 0;  ///< which meta, last

 private:
  Micros excused_ = 0;  ///< time in which the thread stood still
  Micros stopped_before_ = 0;
};

class ClientProcess final : public Process {
 public:
  using FindNode = std::function<NodeProcess*(const std::string& unix_name)>;
  ClientProcess(World& world, Network& network, Oracle& oracle, MetaProcess& meta, const Plan& plan,
                unsigned number, FindNode find_node);
  ~ClientProcess() override;

  void start();
  void crash();
  void begin_call(std::shared_ptr<Call> call, std::function<void()> on_end);
  bool is_idle() const { return calls_ == 0; }
  /// What writers do when it hurts most; the cluster may make something go wrong.
  std::function<void()> on_moment;

  bool is_calm = false;  ///< its threads do not stand still

  Oracle& oracle() const { return oracle_; }
  const Plan& plan() const { return plan_; }
  Threads& threads() { return threads_; }
  client::Session& session() { return *session_; }
  /// The one that the thread at work makes; null when it makes none.
  Call* running_call() const {
    return threads_.running() == nullptr ? nullptr : static_cast<Call*>(threads_.running()->of);
  }
  NodeProcess* find_node(const std::string& unix_name) const { return find_node_(unix_name); }
  void note_mapped(std::weak_ptr<SegmentMemory> memory) { mapped_.push_back(std::move(memory)); }

 private:
  void vanish();

  Network& network_;
  Oracle& oracle_;
  MetaProcess& meta_;
  const Plan& plan_;
  const FindNode find_node_;
  Threads threads_;
  std::shared_ptr<client::Session> session_;
  std::vector<std::weak_ptr<SegmentMemory>> mapped_;
  std::size_t calls_ = 0;
};

template <class... Parts>
void Call::say_of(const std::string& name, const Parts&... parts) const {
  client_.world().say(client_.name(), name, ": ", parts...);
}

}  // namespace aquifer::sim
