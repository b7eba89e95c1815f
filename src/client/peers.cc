#include "client/peers.h"

#include <algorithm>

#include "client/surroundings.h"
#include "protocol/bulk.h"

namespace aquifer::client {
namespace {

constexpr std::chrono::milliseconds kMapAgain{500};
// A node answers in less than a millisecond. The first to ask one that is silent waits longer, in
// case that it is busy; whoever looks whether it is back does not.
constexpr std::chrono::milliseconds kMapTime{1000};
constexpr std::chrono::milliseconds kLookTime{50};
constexpr std::chrono::milliseconds kRefreshAgain{200};
constexpr std::size_t kIdleMax = 64;
constexpr std::chrono::seconds kAvoidedFirst{2};
constexpr std::chrono::seconds kAvoidedMax{64};

}  // namespace

Peer::Peer(Place place, base::ClientId client, Surroundings& around)
    : place_(std::move(place)),
      client_(client),
      around_(around),
      time_(around.time()),
      mapped_(time_.make_bell()),
      random_(around.random_id()) {}

std::shared_ptr<MappedSegment> Peer::segment(base::SegmentId id, io::Deadline deadline) {
  if (!place_.same_host) {
    return nullptr;
  }
  std::unique_lock lock(mutex_);
  const auto is_there = [&] { return segment_ != nullptr && segment_->view.id() == id; };
  if (is_there()) {
    return segment_;
  }
  if (!mapped_->wait_until(lock, deadline, [&] { return !is_mapping_; })) {
    return nullptr;
  }
  if (is_there() || time_.now() < no_map_before_) {
    return is_there() ? segment_ : nullptr;
  }
  is_mapping_ = true;
  const auto began = time_.now();
  const auto end = began + (map_was_silent_ ? kLookTime : kMapTime);
  lock.unlock();
  auto fresh = around_.map(place_, client_, std::min(deadline, end));
  lock.lock();
  is_mapping_ = false;
  const auto now = time_.now();
  map_was_silent_ = fresh == nullptr && now - began >= kLookTime;
  if (fresh != nullptr) {
    segment_ = std::move(fresh);
  }
  if (!is_there()) {
    no_map_before_ = now + kMapAgain;
  }
  mapped_->ring();
  return is_there() ? segment_ : nullptr;
}

bool Peer::admits(io::Deadline deadline) {
  if (port_is_sound_.load(std::memory_order_relaxed)) {
    return true;
  }
  {
    const std::lock_guard lock(mutex_);
    const auto now = time_.now();
    if (port_.state(now) == Breaker::State::kClosed) {
      return true;
    }
    if (is_pinging_ || now < port_.next_probe()) {
      return false;
    }
    is_pinging_ = true;
  }
  const bool answered = ping(std::min(deadline, time_.now() + kLookTime));
  {
    const std::lock_guard lock(mutex_);
    is_pinging_ = false;
    if (!answered) {
      port_.probe_failed(time_.now(), random_.next());
      return false;
    }
  }
  port_answered();
  return true;
}

// Reads from a segment that no node has: any answer will do.
bool Peer::ping(io::Deadline deadline) {
  auto fd = io::connect_tcp(place_.address, deadline);
  if (!fd) {
    return false;
  }
  auto request = protocol::sealed(protocol::BulkRequest{});
  iovec out{&request, sizeof request};
  protocol::BulkReply reply;
  iovec in{&reply, sizeof reply};
  return io::write_all(fd->get(), {&out, 1}, deadline) &&
         io::read_exact(fd->get(), {&in, 1}, deadline) && protocol::intact(reply);
}

void Peer::port_answered() {
  if (!port_is_sound_.load(std::memory_order_relaxed)) {
    const std::lock_guard lock(mutex_);
    port_.answered();
    port_is_sound_ = true;
  }
}

void Peer::port_unreachable() {
  const std::lock_guard lock(mutex_);
  port_.unreachable(time_.now(), {});
  port_is_sound_ = false;
}

void Peer::port_silent(io::Clock::duration waited) {
  const std::lock_guard lock(mutex_);
  port_.silent(waited, time_.now());
  port_is_sound_ = false;
}

Result<base::UniqueFd> Peer::take_stream(io::Deadline deadline) {
  {
    const std::lock_guard lock(mutex_);
    if (!idle_.empty()) {
      base::UniqueFd fd = std::move(idle_.back());
      idle_.pop_back();
      return fd;
    }
  }
  auto fresh = io::connect_tcp(place_.address, deadline);
  if (fresh) {
    io::keep_local_bulk_in_cache(fresh->get());
  }
  return fresh;
}

void Peer::give_stream(base::UniqueFd fd) {
  const std::lock_guard lock(mutex_);
  if (idle_.size() < kIdleMax) {
    idle_.push_back(std::move(fd));
  }
}

void Peer::drop_streams() {
  const std::lock_guard lock(mutex_);
  idle_.clear();
}

void Peer::avoid() {
  const std::chrono::seconds penalty = std::clamp(penalty_.load() * 2, kAvoidedFirst, kAvoidedMax);
  penalty_ = penalty;
  avoided_until_ = (time_.now() + penalty).time_since_epoch().count();
}

bool Peer::is_avoided() const { return time_.now().time_since_epoch().count() < avoided_until_; }

Peers::Peers(base::ClientId client, Surroundings& around, std::function<void(io::Deadline)> refresh)
    : client_(client), around_(around), time_(around.time()), refresh_(std::move(refresh)) {}

std::shared_ptr<Peer> Peers::find_known(base::NodeId node) {
  const std::lock_guard lock(mutex_);
  const auto found = by_node_.find(node);
  return found == by_node_.end() ? nullptr : found->second;
}

std::shared_ptr<Peer> Peers::find(base::NodeId node, io::Deadline deadline) {
  const auto known = find_known(node);
  if (known != nullptr && known->port_is_sound()) {
    return known;
  }
  {
    // A node that does not answer may have come back at another address.
    const std::lock_guard lock(mutex_);
    const auto now = time_.now();
    if (known != nullptr && now - refreshed_ < kRefreshAgain) {
      return known;
    }
    refreshed_ = now;
  }
  refresh_(deadline);
  return find_known(node);
}

void Peers::learn(base::NodeId node, Peer::Place place) {
  const std::lock_guard lock(mutex_);
  auto& peer = by_node_[node];
  if (peer == nullptr || !(peer->place().address == place.address)) {
    peer = std::make_shared<Peer>(std::move(place), client_, around_);
  }
}

void Peers::clear() {
  const std::lock_guard lock(mutex_);
  by_node_.clear();
}

}  // namespace aquifer::client
