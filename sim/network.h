// Connections between processes, as TCP has them: in each direction a stream that is late, stands
// still for a while, or is cut off with what is on its way. The two ends hear of an end at times of
// their own, so one may still speak into a connection that the other has given up.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "rpc/frame.h"
#include "sim/world.h"

namespace aquifer::sim {

/// What an end of a connection does with what comes.
struct Handlers {
  std::function<void(const rpc::Frame&)> on_frame;
  std::function<void()> on_close;
};

class Connection : public std::enable_shared_from_this<Connection> {
 public:
  /// Ends are numbered: 0 has connected, 1 has accepted.
  Connection(World& world, Process& connecting, Process& accepting, Micros delay_max);

  void listen(int end, Handlers handlers) { ends_[end].handlers = std::move(handlers); }
  /// Whole frames, to the other end.
  void send(int end, std::string_view frames);
  /// This end is done with it, and hears no more; the other one will hear of it.
  void close(int end);
  /// The network cuts it: what is on its way is lost.
  void cut();
  /// Nothing arrives at this end for a while.
  void hold(int end, Micros time);
  /// The end that a living process has of it; -1: none.
  int end_of(const Process& process) const;
  bool is_open() const { return !cut_ && ends_[0].open && ends_[1].open; }

 private:
  struct End {
    Process* process = nullptr;
    std::uint64_t life = 0;
    bool open = true;
    Handlers handlers;
    std::deque<std::string> coming;  ///< on its way to this end
    Micros last = 0;                 ///< when the last of it arrives
    Micros held_until = 0;
  };
  bool lives(const End& end) const {
    return end.process->runs() && end.process->life() == end.life;
  }
  void arrive(int end);
  void tell_closed(int end);

  World& world_;
  std::array<End, 2> ends_;
  Micros delay_max_;
  bool cut_ = false;
};

/// All connections, for whoever disturbs them.
class Network {
 public:
  explicit Network(World& world) : world_(world) {}

  using Accept = std::function<void(std::shared_ptr<Connection>)>;
  /// Connects to a process that accepts; `done` gets null when nobody is there. A stopped process
  /// is connected to, and does not answer.
  void connect(Process& from, Process& to, const Accept& accept, Accept done);

  /// A process has ended: so have its connections. Before its next life begins.
  void process_ended(const Process& process);

  Micros delay_max = 200;  ///< of a frame, usually
  std::vector<std::shared_ptr<Connection>> open();

 private:
  World& world_;
  std::vector<std::weak_ptr<Connection>> connections_;
};

}  // namespace aquifer::sim
