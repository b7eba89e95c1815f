// Gets, of whole values and of ranges.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <vector>

#include "sim/client_process.h"

namespace aquifer::sim {

class GetCall final : public Call {
 public:
  GetCall(ClientProcess& client, std::uint32_t key, Micros deadline)
      : GetCall(client, std::vector{key}, deadline) {}
  /// Different ones.
  GetCall(ClientProcess& client, std::vector<std::uint32_t> keys, Micros deadline);
  void on_read(const client::Transfer& transfer) override;
  /// For who wants to know what became of it; of the first key.
  std::function<void(Status)> on_status;

 private:
  struct Wish {
    std::uint32_t key = 0;
    std::string name;
    base::PutId put{};  ///< that was read last
    std::unique_ptr<std::byte[]> value;
    Piece piece{};
  };
  void make() override;

  std::vector<Wish> wishes_;
};

class RangeCall final : public Call {
 public:
  RangeCall(ClientProcess& client, std::uint32_t key, Micros deadline)
      : Call(client, key, deadline) {}
  void on_read(const client::Transfer& transfer) override { put_ = transfer.put; }

 private:
  void make() override;
  base::PutId put_{};
};

}  // namespace aquifer::sim
