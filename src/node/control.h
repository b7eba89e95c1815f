// What a node says to its meta and does for it: says hello, keeps the session, reports what the
// segment holds to a meta that does not know it, carries out what meta asks of the segment, and
// fences itself when it was away for too long. A plain function of frames and time: no socket, no
// clock, no loop and no thread of its own, so that the same code runs behind the link (meta_link.h)
// and under the simulator.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "aquifer/result.h"
#include "base/hash.h"
#include "node/segment_host.h"
#include "protocol/messages.h"
#include "rpc/frame.h"

namespace aquifer::node {

class Control {
 public:
  /// As pool::monotonic_ms() counts.
  using Milliseconds = std::uint64_t;

  struct Identity {
    base::NodeId node{};
    std::string name;
    std::string unix_name;
    std::string host;
    std::string zone;
    std::uint64_t process = 0;
    std::string meta;  ///< its address, for what is said to people
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

  /// The connection to meta, as far as this side sees it.
  class Line {
   public:
    virtual ~Line() = default;
    /// The buffer to which a frame is appended; null when there is no connection.
    virtual rpc::Buffer* out() = 0;
    /// A frame was appended.
    virtual void appended() = 0;
    /// Ends the connection, which is to be made anew; disconnected() is not called for it.
    virtual void close() = 0;
    /// Meta has welcomed the node and knows what lies here.
    virtual void on_joined() = 0;
    /// There is more of a report: step() is to be called, soon but not from within.
    virtual void step_soon() = 0;
  };

  Control(Identity identity, Hooks hooks, Line& line)
      : identity_(std::move(identity)), hooks_(std::move(hooks)), line_(line) {}

  /// There is a connection: says hello. `address` is where clients reach the data port.
  void connected(const std::string& address);
  void disconnected() { joined_ = has_joined_ = false; }
  /// A frame came in. Malformed ones and what a newer meta may say are passed over.
  void handle(const rpc::Frame& frame, Milliseconds now);
  /// The next part of a report, where one is under way.
  void step(Milliseconds now);
  /// Time passed; call every 10 ms or so.
  void tick(Milliseconds now);
  /// The time until now was spent on looking for a meta that is away, which is not being away.
  void looked_for_meta(Milliseconds now) { last_poll_ = now; }
  /// More memory has been populated: grants what meta is waiting for.
  void memory_grew() { grant_wanted(); }
  /// What became of an order to copy.
  void copied(const protocol::Copied& message);
  /// Says goodbye; `done` is called when meta has answered, and at once without a session.
  void leave(std::function<void()> done);
  /// The connection ended while a goodbye was on its way; false when none was.
  bool left();
  /// Nothing more is to be said to meta.
  void end() { ended_ = true; }

  bool has_session() const { return joined_; }
  bool has_ended() const { return ended_; }

 private:
  template <class T>
  void send(protocol::Method method, const T& message, std::uint64_t id = 0);
  template <class T, class Handle>
  void decode_and(const rpc::Frame& frame, Handle handle);
  void say_hello();
  void refused(Error error);
  void on_welcome(const rpc::Frame& frame, Milliseconds now);
  void on_beat(const rpc::Frame& frame);
  void start_afresh();
  void report(const protocol::NodeWelcome& welcome);
  void joined(const protocol::NodeWelcome& welcome, Milliseconds now);
  void tell_damaged();
  bool obeys(std::uint64_t epoch);
  void members(const protocol::Members& message);
  void grant_more(const protocol::GrantMore& message);
  void grant_wanted();
  void reclaim(const protocol::Reclaim& message);
  void copy(const protocol::Copy& message);
  void publish(const protocol::Publish& message);
  void verify(const protocol::Verify& message);
  void scan(const protocol::Scan& message);
  void keep_alive(Milliseconds now);
  void beat(Milliseconds time);

  const Identity identity_;
  const Hooks hooks_;
  Line& line_;
  std::string address_;
  bool joined_ = false;        ///< has a session
  bool has_joined_ = false;    ///< and meta knows what lies here
  bool was_welcomed_ = false;  ///< by any meta, in the life of this process
  bool ended_ = false;
  bool fenced_ = false;  ///< was away for too long to know whether it is still a member
  Milliseconds last_poll_ = 0;
  Milliseconds trust_ = 0;     ///< after a beat that was answered; 0: for ever
  Milliseconds answered_ = 0;  ///< when the latest such was sent
  bool is_silent_ = false;     ///< that was too long ago: meta may have given this node up
  struct Report {
    protocol::NodeWelcome welcome;
    base::KeyHasher hasher;
  };
  std::unique_ptr<Report> report_;  ///< under way
  bool looked_through_ = false;
  std::vector<base::NodeId> members_;  ///< those that do not last; the others stand in the header
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
