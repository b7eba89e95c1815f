#include "apps/bench_node_bytes.h"

#include <chrono>
#include <thread>

namespace aquifer::apps {
namespace {

using Clock = std::chrono::steady_clock;
constexpr auto kCountersFollow = std::chrono::seconds(5);
constexpr auto kLook = std::chrono::milliseconds(5);

}  // namespace

Result<BenchNodeBytes> BenchNodeBytes::start(Client& client, Transport transport,
                                             Direction direction) {
  BenchNodeBytes bytes;
  bytes.transport_ = transport;
  bytes.direction_ = direction;
  const auto counted = bytes.now(client);
  if (!counted) return counted.error();
  bytes.before_ = *counted;
  return bytes;
}

Result<std::uint64_t> BenchNodeBytes::now(Client& client) const {
  const auto status = client.status();
  if (!status) return status.error();
  std::uint64_t bytes = 0;
  for (const NodeStatus& node : status->nodes) {
    const auto& both = direction_ == Direction::kPut ? node.written_bytes : node.read_bytes;
    bytes += transport_ == Transport::kTcp ? both.tcp : both.shm;
  }
  return bytes;
}

Result<std::uint64_t> BenchNodeBytes::since(Client& client, std::uint64_t expected) const {
  const auto deadline = Clock::now() + kCountersFollow;
  while (true) {
    const auto counted = now(client);
    if (!counted) return counted.error();
    if (*counted - before_ >= expected || Clock::now() > deadline) return *counted - before_;
    std::this_thread::sleep_for(kLook);
  }
}

}  // namespace aquifer::apps
