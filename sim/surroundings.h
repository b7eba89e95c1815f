// What the session of a simulated client has around it: the threads and the time of its process,
// the simulated network to meta, and the memory of simulated nodes. Its transfers are the real
// ones, and between any two of their steps something else may happen.
#pragma once

#include <functional>
#include <memory>

#include "client/surroundings.h"
#include "sim/network.h"
#include "sim/node_process.h"
#include "sim/threads.h"

namespace aquifer::sim {

class ClientProcess;

/// A segment in the memory of a client; the lock goes with it.
struct Mapped final : client::MappedSegment {
  explicit Mapped(const NodeProcess::HandedOut& given)
      : MappedSegment(given.memory->view, given.user), memory(given.memory), lock(given.lock) {}
  std::shared_ptr<SegmentMemory> memory;
  std::shared_ptr<UserLock> lock;
};

class Surroundings final : public client::Surroundings, private client::Steps {
 public:
  Surroundings(ClientProcess& client, Network& network, MetaProcess& meta)
      : client_(client), network_(network), meta_(meta) {}

  client::Time& time() override;
  std::uint64_t random_id() override;
  std::string host() override { return kHost; }
  std::uint64_t process() override;
  std::unique_ptr<rpc::Caller> call_meta(const io::Address& address, Greet greet) override;
  std::shared_ptr<client::MappedSegment> map(const client::Peer::Place& place,
                                             base::ClientId client, io::Deadline deadline) override;
  void move_by_memory(client::Work work, std::span<client::Transfer* const> transfers,
                      const client::Effort& effort) override;

 private:
  void before(Step step, const client::Transfer& transfer) override;
  void after(client::Work work, const client::Transfer& transfer);
  void read_any_generation(client::Transfer& transfer);
  bool seals_later() const;
  void postpone_seals(std::span<client::Transfer* const> transfers);

  ClientProcess& client_;
  Network& network_;
  MetaProcess& meta_;
};

}  // namespace aquifer::sim
