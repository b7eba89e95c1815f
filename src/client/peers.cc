#include "client/peers.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <fstream>

#include "memory/fault_guard.h"
#include "protocol/shm_hello.h"

namespace aquifer::client {
namespace {

constexpr std::chrono::milliseconds kMapAgain{500};
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
  const std::lock_guard lock(mutex_);
  if (segment_ != nullptr && segment_->view.id() == id) {
    return segment_;
  }
  const auto now = io::Clock::now();
  if (now < no_map_before_) {
    return nullptr;
  }
  auto fresh = map(deadline);
  if (fresh != nullptr) {
    segment_ = std::move(fresh);
  }
  if (segment_ == nullptr || segment_->view.id() != id) {
    no_map_before_ = now + kMapAgain;
    return nullptr;
  }
  return segment_;
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
  if (auto known = find_known(node)) {
    return known;
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
