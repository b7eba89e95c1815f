#include "sim/network.h"

#include <algorithm>

#include "base/check.h"

namespace aquifer::sim {

Connection::Connection(World& world, Process& connecting, Process& accepting, Micros delay_max)
    : world_(world), delay_max_(delay_max) {
  ends_[0].process = &connecting;
  ends_[1].process = &accepting;
  for (End& end : ends_) {
    end.life = end.process->life();
  }
}

void Connection::send(int end, std::string_view frames) {
  if (!ends_[end].open) {
    return;
  }
  const int other = 1 - end;
  End& to = ends_[other];
  while (!frames.empty()) {
    rpc::Frame frame;
    AQ_CHECK(rpc::read_frame(frames, frame) == rpc::FrameState::kWhole);
    const std::size_t bytes = sizeof frame.header + frame.payload.size();
    if (!cut_ && to.open && lives(to)) {
      to.coming.emplace_back(frames.substr(0, bytes));
      const Micros delay = world_.between(20, delay_max_);
      to.last = std::max(world_.now() + delay, to.last);
      to.process->after(to.last - world_.now(),
                        [self = shared_from_this(), other] { self->arrive(other); });
    }
    frames.remove_prefix(bytes);
  }
}

void Connection::arrive(int end) {
  End& to = ends_[end];
  if (cut_ || !to.open || to.coming.empty()) {
    return;
  }
  if (world_.now() < to.held_until) {
    to.process->after(to.held_until - world_.now(),
                      [self = shared_from_this(), end] { self->arrive(end); });
    return;
  }
  const std::string bytes = std::move(to.coming.front());
  to.coming.pop_front();
  rpc::Frame frame;
  AQ_CHECK(rpc::read_frame(bytes, frame) == rpc::FrameState::kWhole);
  if (const auto handle = to.handlers.on_frame) {  // the handlers may go with the connection
    handle(frame);
  }
}

void Connection::tell_closed(int end) {
  End& at = ends_[end];
  if (!at.open || !lives(at)) {
    return;
  }
  const Micros delay = world_.between(20, 2000);
  at.last = std::max({world_.now() + delay, at.last, at.held_until});
  at.process->after(at.last - world_.now(), [self = shared_from_this(), end] {
    End& closed = self->ends_[end];
    if (closed.open) {
      closed.open = false;
      if (const auto on_close = closed.handlers.on_close) {
        on_close();
      }
    }
  });
}

void Connection::close(int end) {
  if (ends_[end].open) {
    ends_[end].open = false;
    ends_[end].coming.clear();
    tell_closed(1 - end);
  }
}

int Connection::end_of(const Process& process) const {
  for (int end : {0, 1}) {
    if (ends_[end].process == &process && ends_[end].life == process.life()) {
      return end;
    }
  }
  return -1;
}

void Connection::cut() {
  if (!cut_) {
    cut_ = true;
    for (int end : {0, 1}) {
      ends_[end].coming.clear();
      // Sometimes a side learns it only much later, or by trying.
      if (world_.chance(0.2)) {
        ends_[end].held_until =
            std::max(ends_[end].held_until, world_.now() + ms(world_.below(800)));
      }
      tell_closed(end);
    }
  }
}

void Connection::hold(int end, Micros time) {
  ends_[end].held_until = std::max(ends_[end].held_until, world_.now() + time);
}

void Network::connect(Process& from, Process& to, const Accept& accept, Accept done) {
  world_.after(world_.between(30, delay_max), [this, &from, &to, accept, done, life = from.life()] {
    if (!from.runs() || from.life() != life) {
      return;
    }
    if (!to.runs()) {
      from.after(world_.between(20, delay_max), [done] { done(nullptr); });
      return;
    }
    auto connection = std::make_shared<Connection>(world_, from, to, delay_max);
    std::erase_if(connections_, [](const auto& weak) { return weak.expired(); });
    connections_.push_back(connection);
    // A stopped process has it accepted by its kernel, and hears of it when it goes on.
    to.after(0, [accept, connection] {
      if (connection->is_open()) {
        accept(connection);
      }
    });
    from.after(world_.between(20, delay_max),
               [done, connection] { done(connection->is_open() ? connection : nullptr); });
  });
}

void Network::process_ended(const Process& process) {
  for (const auto& connection : open()) {
    if (const int end = connection->end_of(process); end >= 0) {
      connection->close(end);
    }
  }
}

std::vector<std::shared_ptr<Connection>> Network::open() {
  std::vector<std::shared_ptr<Connection>> open;
  for (const auto& weak : connections_) {
    if (auto connection = weak.lock(); connection != nullptr && connection->is_open()) {
      open.push_back(std::move(connection));
    }
  }
  return open;
}

}  // namespace aquifer::sim
