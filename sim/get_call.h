// A get, step by step as client/get.cc does it: a handle from the cache or by a look-up; look at
// the slot, copy and digest, look again; for what failed one fresh look-up and the other replicas.
#pragma once

#include <memory>
#include <vector>

#include "sim/client_process.h"
#include "sim/transfer.h"

namespace aquifer::sim {

class GetCall final : public Call {
 public:
  GetCall(ClientProcess& client, std::uint32_t key, Micros deadline);
  void start() override;
  /// For who wants to know what became of it.
  std::function<void(Status)> on_status;

 private:
  void find_handle();
  void look_up();
  void on_found(const Answer& answer);
  void read_replica();
  void look();
  void read_page(std::uint64_t page);
  void look_again();
  void judge();
  void done(Status status);
  bool is_kept() const;

  client::HandlePtr handle_;
  bool from_cache_ = false;
  bool fresh_ = false;
  std::uint32_t tried_ = 0;
  Status failure_ = Status::kNotFound;
  Transfer transfer_;
  std::vector<std::byte> value_;
};

}  // namespace aquifer::sim
