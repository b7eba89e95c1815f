// Removes and pins, which are requests to meta and nothing more; and views, which hold an object in
// place for a while and look at it again and again.
#pragma once

#include <functional>
#include <vector>

#include "sim/client_process.h"
#include "sim/transfer.h"

namespace aquifer::sim {

class RemoveCall final : public Call {
 public:
  RemoveCall(ClientProcess& client, std::uint32_t key, Micros deadline)
      : Call(client, key, deadline) {}
  void start() override;
  /// For who wants to know what became of it.
  std::function<void(Status)> on_status;

 private:
  void done(Status status);
  std::size_t number_ = 0;
};

class PinCall final : public Call {
 public:
  PinCall(ClientProcess& client, std::uint32_t key, Micros deadline)
      : Call(client, key, deadline) {}
  void start() override;
};

class ViewCall final : public Call {
 public:
  ViewCall(ClientProcess& client, std::uint32_t key, Micros deadline)
      : Call(client, key, deadline) {}
  void start() override;

 private:
  void enter();
  void look(unsigned again);
  void leave();

  Transfer transfer_;
};

}  // namespace aquifer::sim
