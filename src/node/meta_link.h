// The node's connection to its meta: says hello, keeps the session, reports what the segment holds
// to a meta that does not know it, carries out what meta asks of the segment, and connects again
// when the connection ends. Lives on the node's control loop.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "aquifer/result.h"
#include "io/address.h"
#include "io/loop.h"
#include "node/segment_host.h"
#include "protocol/messages.h"
#include "rpc/connection.h"

namespace aquifer::node {

class MetaLink {
 public:
  struct Identity {
    base::NodeId node{};
    std::string name;
    std::string address;
    std::string unix_name;
    std::string host;
    std::string zone;
  };
  struct Hooks {
    std::function<std::shared_ptr<SegmentHost>()> segment;  ///< the one being served
    std::function<Result<void>()> replace_segment;          ///< drops it for a fresh one
    std::function<protocol::NodeBeat()> counters;
    std::function<void(const std::string&)> on_event;
    std::function<void()> on_ready;                ///< joined, and the first memory granted
    std::function<void(const Error&)> on_refused;  ///< meta will not have this node
    std::function<void(const protocol::Copy&)> on_copy;
    std::function<void()> on_drained;  ///< it is empty, and is to leave
  };

  MetaLink(io::Loop& loop, io::Address meta, Identity identity, Hooks hooks);

  /// Starts connecting; goes on until the loop ends.
  void start();
  /// More memory has been populated: grant what meta is waiting for.
  void memory_grew();
  /// What became of an order to copy.
  void copied(const protocol::Copied& message);
  /// Says goodbye; `done` is called when meta has answered or cannot be reached.
  void leave(std::function<void()> done);
  /// Ends the connection without a word: the node will be back.
  void drop();

 private:
  void connect();
  void retry();
  void give_up_on(const rpc::Connection* asked);
  void tell_waiting(const std::string& why);
  std::string advertised() const;
  void say_hello();
  void on_frame(const rpc::Frame& frame);
  void on_welcome(const rpc::Frame& frame);
  void joined(const protocol::NodeWelcome& welcome);
  void report(const protocol::NodeWelcome& welcome);
  void report_step(std::uint64_t number, const protocol::NodeWelcome& welcome,
                   const base::KeyHasher& hasher);
  void start_afresh();
  void tell_damaged();
  bool obeys(std::uint64_t epoch);
  void members(const protocol::Members& message);
  void grant_wanted();
  void reclaim(const protocol::Reclaim& message);
  void copy(const protocol::Copy& message);
  void verify(const protocol::Verify& message);
  void scan(const protocol::Scan& message);
  void beat();
  void keep_alive();
  template <class T>
  void send(protocol::Method method, const T& message, std::uint64_t id = 0);

  io::Loop& loop_;
  const io::Address meta_;
  const Identity identity_;
  Hooks hooks_;
  std::shared_ptr<rpc::Connection> connection_;
  bool joined_ = false;      ///< has a session
  bool has_joined_ = false;  ///< and meta knows what lies here
  bool ended_ = false;
  bool fenced_ = false;  ///< was away for too long to know whether it is still a member
  std::uint64_t last_poll_ms_ = 0;
  bool told_waiting_ = false;
  std::chrono::milliseconds backoff_;
  std::uint64_t report_ = 0;  ///< counts reports, so that one that was broken off ends
  bool looked_through_ = false;
  std::vector<base::NodeId> members_;
  std::uint32_t wanted_units_ = 0;
  std::uint32_t wanted_slots_ = 0;
  std::uint32_t told_slots_ = 0;
  std::uint32_t told_units_ = 0;
  std::uint64_t told_units_max_ = 0;  ///< as meta knows it; what was announced may prove too much
  protocol::NodeBeat told_{};
  unsigned polls_ = 0;
  std::function<void()> on_left_;
};

}  // namespace aquifer::node
