// Calls that move no bytes: removes, pins and look-ups, which are requests to meta; and views,
// which hold an object in place for a while and look at it again and again.
#pragma once

#include <functional>
#include <vector>

#include "sim/client_process.h"

namespace aquifer::sim {

class RemoveCall final : public Call {
 public:
  RemoveCall(ClientProcess& client, std::uint32_t key, Micros deadline)
      : Call(client, key, deadline) {}
  /// For who wants to know what became of it.
  std::function<void(Status)> on_status;

 private:
  void make() override;
};

class PinCall final : public Call {
 public:
  PinCall(ClientProcess& client, std::uint32_t key, Micros deadline)
      : Call(client, key, deadline) {}

 private:
  void make() override;
};

/// Whether keys are there, or how many of the first ones.
class FindCall final : public Call {
 public:
  FindCall(ClientProcess& client, std::vector<std::uint32_t> keys, Micros deadline)
      : Call(client, keys.front(), deadline), keys_(std::move(keys)) {}

 private:
  void make() override;
  const std::vector<std::uint32_t> keys_;
};

class ViewCall final : public Call {
 public:
  ViewCall(ClientProcess& client, std::uint32_t key, Micros deadline)
      : Call(client, key, deadline) {}
  void on_read(const client::Transfer& transfer) override;

 private:
  void make() override;
  void look(const View& view);

  base::PutId put_{};
  Place place_;
};

}  // namespace aquifer::sim
