// What this process has around it: its clock, threads, sockets and mappings.
#pragma once

#include "client/surroundings.h"
#include "client/system_time.h"

namespace aquifer::client {

class OwnSurroundings final : public Surroundings {
 public:
  Time& time() override { return time_; }
  std::uint64_t random_id() override;
  std::string host() override;
  std::uint64_t process() override;
  std::unique_ptr<rpc::Caller> call_meta(const io::Address& address, Greet greet) override;
  std::shared_ptr<MappedSegment> map(const Peer::Place& node, base::ClientId client,
                                     io::Deadline deadline) override;
  void move_by_memory(Work work, std::span<Transfer* const> transfers,
                      const Effort& effort) override;

 private:
  SystemTime time_;
};

}  // namespace aquifer::client
