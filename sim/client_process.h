// A client as a process: what its session keeps between calls (the connection to meta, remembered
// handles, mapped segments, what is owed and to be reported), as client/session.cc and
// rpc/channel.cc keep it, and the calls that are under way. Not here: what a call does (put_call.h,
// get_call.h, small_calls.h).
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "client/handle_cache.h"
#include "client/slot_uses.h"
#include "protocol/messages.h"
#include "sim/network.h"
#include "sim/node_process.h"
#include "sim/oracle.h"
#include "sim/plan.h"
#include "sim/world.h"

namespace aquifer::sim {

inline constexpr std::string_view kSpace = "sim";

/// A segment in the memory of a client; the lock goes with it.
struct Mapped {
  Mapped(const NodeProcess::HandedOut& given)
      : memory(given.memory), lock(given.lock), uses(memory->view, given.user) {}
  std::shared_ptr<SegmentMemory> memory;
  std::shared_ptr<UserLock> lock;
  client::SlotUses uses;
};

/// What became of a request to meta.
struct Answer {
  Status status = Status::kOk;
  bool sent = false;  ///< it may have reached meta
  std::string payload;
};

class ClientProcess;

/// A call under way. Steps of it that come after its end do nothing.
class Call : public std::enable_shared_from_this<Call> {
 public:
  Call(ClientProcess& client, std::uint32_t key, Micros deadline);
  virtual ~Call() = default;
  virtual void start() = 0;

  std::function<void()> on_end;

 protected:
  World& world() const;
  bool is_late() const;
  std::uint64_t left_ms() const;
  /// The next step; now and then the thread stands still before it.
  void next(std::function<void()> step);
  template <class T>
  void ask(protocol::Method method, const T& request, std::function<void(const Answer&)> then);
  void end();
  template <class... Parts>
  void say(const Parts&... parts) const;

  ClientProcess& client_;
  const std::uint32_t key_;
  const std::string name_;
  const Micros deadline_;
  const std::uint64_t begun_;

 private:
  void guard(Micros delay, std::function<void()> step);
  Micros excused_ = 0;  ///< time in which the thread stood still
  Micros stopped_before_ = 0;
  bool ended_ = false;
};

class ClientProcess final : public Process {
 public:
  using FindNode = std::function<NodeProcess*(base::NodeId)>;
  ClientProcess(World& world, Network& network, Oracle& oracle, MetaProcess& meta, const Plan& plan,
                unsigned number, FindNode find_node);

  void start();
  void crash();
  void begin_call(std::shared_ptr<Call> call, std::function<void()> on_end);
  bool is_idle() const { return calls_.empty(); }
  /// What writers do when it hurts most; the cluster may make something go wrong.
  std::function<void()> on_moment;

  bool is_calm = false;  ///< its threads do not stand still

  // For calls.
  Oracle& oracle() const { return oracle_; }
  const Plan& plan() const { return plan_; }
  client::HandleCache& cache() { return *cache_; }
  /// Which meta it is connected with, or was last: the one that an answer comes from.
  std::uint64_t meta_life() const { return meta_life_; }
  std::uint64_t next_ticket() { return ++last_ticket_; }
  using Then = std::function<void(const Answer&)>;
  template <class T>
  void ask(protocol::Method method, const T& request, Micros deadline, Then then) {
    const std::uint64_t id = ++last_request_;
    rpc::Buffer frame;
    append(frame, method, id, request);
    exchange(id, {frame.data(), frame.size()}, deadline, std::move(then));
  }
  /// A request whose answer nobody waits for; false without a connection.
  template <class T>
  bool post(protocol::Method method, const T& request) {
    rpc::Buffer frame;
    append(frame, method, 0, request);
    return post({frame.data(), frame.size()});
  }
  void give_up(protocol::PutFinish finish);
  void pay_owed();
  void note_use(const base::PutId& put) { report_.uses.push_back(put); }
  void note_suspect(const protocol::Suspect& suspect) { report_.suspects.push_back(suspect); }
  void report_soon();
  /// The mapping of a replica's segment; null when it cannot be had before the deadline.
  void map(const client::ReplicaPlace& place, Micros deadline,
           std::function<void(std::shared_ptr<Mapped>)> then);

 private:
  struct Waiting {
    Then then;
    std::string frame;
    bool sent = false;
  };
  template <class T>
  static void append(rpc::Buffer& out, protocol::Method method, std::uint64_t id,
                     const T& request) {
    rpc::FrameHeader header;
    header.method = static_cast<std::uint16_t>(method);
    header.id = id;
    rpc::append_frame(out, header, request);
  }
  void exchange(std::uint64_t id, std::string_view frame, Micros deadline, Then then);
  bool post(std::string_view frame);
  void complete(std::uint64_t id, Status status, std::string_view payload);
  void connect();
  void connected(std::shared_ptr<Connection> connection);
  void on_frame(const rpc::Frame& frame);
  void fail_all();

  Network& network_;
  Oracle& oracle_;
  MetaProcess& meta_;
  const Plan& plan_;
  const FindNode find_node_;

  base::ClientId id_{};
  std::unique_ptr<client::HandleCache> cache_;
  std::uint64_t last_ticket_ = 0;
  std::shared_ptr<Connection> connection_;
  bool connecting_ = false;
  std::uint64_t meta_life_ = 0;
  std::uint64_t epoch_ = 0;     ///< of the meta that has welcomed it last
  std::uint64_t greeting_ = 0;  ///< the request that greets; 0: done
  std::uint64_t last_request_ = 0;
  std::map<std::uint64_t, Waiting> waiting_;
  std::map<base::NodeId, std::shared_ptr<Mapped>> mapped_;
  std::map<base::NodeId, Micros> no_map_before_;
  protocol::Report report_;
  protocol::PutFinish owed_;
  Micros reported_ = 0;
  std::vector<std::shared_ptr<Call>> calls_;
};

template <class T>
void Call::ask(protocol::Method method, const T& request, std::function<void(const Answer&)> then) {
  client_.ask(method, request, deadline_,
              [self = shared_from_this(), then = std::move(then)](const Answer& answer) {
                if (!self->ended_) {
                  then(answer);
                }
              });
}

template <class... Parts>
void Call::say(const Parts&... parts) const {
  client_.world().say(client_.name(), name_, ": ", parts...);
}

}  // namespace aquifer::sim
