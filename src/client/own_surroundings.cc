#include "client/own_surroundings.h"

#include <unistd.h>

#include <array>
#include <cstring>
#include <fstream>
#include <optional>

#include "base/random.h"
#include "memory/fault_guard.h"
#include "protocol/shm_hello.h"
#include "rpc/channel.h"

namespace aquifer::client {
namespace {

// What was sent to meta and is not acknowledged by its host for so long breaks the connection: a
// fresh one is there sooner than the next retransmission over a network that was away for long.
constexpr std::chrono::seconds kUnacknowledgedMax{3};

struct Descriptor {
  base::UniqueFd fd;
  protocol::ShmReply reply;
};

// What the node hands out of its segment.
std::optional<Descriptor> ask_for_segment(const std::string& unix_name, base::ClientId client,
                                          io::Deadline deadline) {
  auto connection = io::connect_unix(unix_name);
  if (!connection) {
    return std::nullopt;
  }
  protocol::ShmRequest request;
  request.client = client;
  if (!io::send_with_fd(connection->get(), std::as_bytes(std::span(&request, 1)), -1)) {
    return std::nullopt;
  }
  std::array<std::byte, sizeof(protocol::ShmReply)> buffer;
  std::size_t count = 0;
  auto fd = io::receive_with_fd(connection->get(), buffer, count, deadline);
  protocol::ShmReply reply;
  if (!fd || !*fd || count != sizeof reply) {
    return std::nullopt;
  }
  std::memcpy(&reply, buffer.data(), sizeof reply);
  if (reply.magic != protocol::kShmMagic || reply.status != 0 || reply.total_bytes < 4096) {
    return std::nullopt;
  }
  return Descriptor{*std::move(fd), reply};
}

}  // namespace

std::uint64_t OwnSurroundings::random_id() { return base::random_id(); }

// The id of this boot of this kernel.
std::string OwnSurroundings::host() {
  std::ifstream file("/proc/sys/kernel/random/boot_id");
  std::string id;
  file >> id;
  return id;
}

std::uint64_t OwnSurroundings::process() { return static_cast<std::uint64_t>(getpid()); }

std::unique_ptr<rpc::Caller> OwnSurroundings::call_meta(const io::Address& address, Greet greet) {
  const auto connect = [address](io::Deadline deadline) {
    auto fd = io::connect_tcp(address, deadline);
    if (fd) {
      io::break_when_unacknowledged(fd->get(), kUnacknowledgedMax);
    }
    return fd;
  };
  return std::make_unique<rpc::Channel>(connect, std::move(greet));
}

std::shared_ptr<MappedSegment> OwnSurroundings::map(const Peer::Place& node, base::ClientId client,
                                                    io::Deadline deadline) {
  const auto descriptor = ask_for_segment(node.unix_name, client, deadline);
  if (!descriptor) {
    return nullptr;
  }
  auto mapping = memory::Mapping::map(descriptor->fd.get(), descriptor->reply.total_bytes);
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
  auto mapped = std::make_shared<MappedSegment>(*std::move(mapping), *view, descriptor->reply.user);
  mapped->prefault.run_ahead(view->shape().data_offset,
                             std::min<std::uint64_t>(granted_end, mapped->bytes.size()));
  return mapped;
}

void OwnSurroundings::move_by_memory(Work work, std::span<Transfer* const> transfers,
                                     const Effort& effort) {
  switch (work) {
    case Work::kRead:
      return read_shm(transfers, effort);
    case Work::kWrite:
      return write_shm(transfers, effort);
    case Work::kSeal:
      return seal_shm(transfers, effort);
    case Work::kVerify:
      return verify_shm(transfers, effort);
  }
}

}  // namespace aquifer::client
