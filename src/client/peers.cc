#include "client/peers.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <fstream>

#include "memory/fault_guard.h"
#include "protocol/bulk.h"
#include "protocol/shm_hello.h"

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

std::string this_host() {
  std::ifstream file("/proc/sys/kernel/random/boot_id");
  std::string id;
  file >> id;
  return id;
}

std::shared_ptr<MappedSegment> Peer::segment(base::SegmentId id, io::Deadline deadline) {
  if (!place_.same_host) {
    return nullptr;
  }
  std::unique_lock lock(mutex_);
  const auto is_there = [&] { return segment_ != nullptr && segment_->view.id() == id; };
  if (is_there()) {
    return segment_;
  }
  if (!mapped_.wait_until(lock, deadline, [&] { return !is_mapping_; })) {
    return nullptr;
  }
  if (is_there() || io::Clock::now() < no_map_before_) {
    return is_there() ? segment_ : nullptr;
  }
  is_mapping_ = true;
  const auto began = io::Clock::now();
  const auto end = began + (map_was_silent_ ? kLookTime : kMapTime);
  lock.unlock();
  auto fresh = map(std::min(deadline, end));
  lock.lock();
  is_mapping_ = false;
  const auto now = io::Clock::now();
  map_was_silent_ = fresh == nullptr && now - began >= kLookTime;
  if (fresh != nullptr) {
    segment_ = std::move(fresh);
  }
  if (!is_there()) {
    no_map_before_ = now + kMapAgain;
  }
  mapped_.notify_all();
  return is_there() ? segment_ : nullptr;
}

std::shared_ptr<MappedSegment> Peer::map(io::Deadline deadline) {
  auto connection = io::connect_unix(place_.unix_name);
  if (!connection) {
    return nullptr;
  }
  protocol::ShmRequest request;
  request.client = client_;
  if (!io::send_with_fd(connection->get(), std::as_bytes(std::span(&request, 1)), -1)) {
    return nullptr;
  }
  std::array<std::byte, sizeof(protocol::ShmReply)> buffer;
  std::size_t count = 0;
  auto fd = io::receive_with_fd(connection->get(), buffer, count, deadline);
  protocol::ShmReply reply;
  if (!fd || !*fd || count != sizeof reply) {
    return nullptr;
  }
  std::memcpy(&reply, buffer.data(), sizeof reply);
  if (reply.magic != protocol::kShmMagic || reply.status != 0 || reply.total_bytes < 4096) {
    return nullptr;
  }
  auto mapping = memory::Mapping::map(fd->get(), reply.total_bytes);
  if (!mapping) {
    return nullptr;
  }
  std::optional<pool::SegmentView> view;
  std::uint64_t granted_end = 0;  // what lies below has memory
  const bool readable = memory::guarded(mapping->data(), mapping->size(), [&] {
    auto opened = pool::SegmentView::open(mapping->data(), mapping->size());
    if (opened) {
      view = *opened;
      granted_end = opened->shape().data_offset +
                    opened->header().granted_units.load(std::memory_order_relaxed) *
                        std::uint64_t{pool::kUnitBytes};
    }
  });
  if (!readable || !view) {
    return nullptr;
  }
  auto mapped = std::make_shared<MappedSegment>(*std::move(mapping), *view, reply.user);
  mapped->prefault.run_ahead(view->shape().data_offset,
                             std::min<std::uint64_t>(granted_end, mapped->mapping.size()));
  return mapped;
}

bool Peer::admits(io::Deadline deadline) {
  if (port_is_sound_.load(std::memory_order_relaxed)) {
    return true;
  }
  {
    const std::lock_guard lock(mutex_);
    const auto now = io::Clock::now();
    if (port_.state(now) == Breaker::State::kClosed) {
      return true;
    }
    if (is_pinging_ || now < port_.next_probe()) {
      return false;
    }
    is_pinging_ = true;
  }
  const bool answered = ping(std::min(deadline, io::Clock::now() + kLookTime));
  {
    const std::lock_guard lock(mutex_);
    is_pinging_ = false;
    if (!answered) {
      port_.probe_failed(io::Clock::now(), random_.next());
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
  port_.unreachable(io::Clock::now(), {});
  port_is_sound_ = false;
}

void Peer::port_silent(io::Clock::duration waited) {
  const std::lock_guard lock(mutex_);
  port_.silent(waited, io::Clock::now());
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
  avoided_until_ = (io::Clock::now() + penalty).time_since_epoch().count();
}

bool Peer::is_avoided() const {
  return io::Clock::now().time_since_epoch().count() < avoided_until_;
}

Peers::Peers(base::ClientId client, std::function<void(io::Deadline)> refresh)
    : client_(client), refresh_(std::move(refresh)) {}

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
    const auto now = io::Clock::now();
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
    peer = std::make_shared<Peer>(std::move(place), client_);
  }
}

void Peers::clear() {
  const std::lock_guard lock(mutex_);
  by_node_.clear();
}

}  // namespace aquifer::client
