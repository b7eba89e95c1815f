// Puts: of one object, of a batch, of a group whose objects are to become visible together, and of
// one that is written range by range.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "sim/client_process.h"

namespace aquifer::sim {

struct PutWish {
  std::uint32_t key = 0;
  std::uint64_t bytes = 0;
  PutMode mode = PutMode::kKeep;
  unsigned replicas = 1;
};

/// What the oracle hears of any put.
class Putting : public Call {
 public:
  void on_answer(const rpc::Frame& request, std::string_view reply, std::uint64_t meta) override;
  void on_write(const client::Transfer& transfer) override;
  void on_unsealed(const client::Transfer& transfer) override;

 protected:
  /// Of different keys, but of one mode and number of replicas.
  Putting(ClientProcess& client, const std::vector<PutWish>& wishes, Micros deadline);
  PutOptions options() const;
  void end(std::size_t index, Status status);
  /// What was left to be done by Fault::kAcknowledgesUnsealed.
  void seal_late();

  struct Object {
    PutWish wish;
    std::string name;
    std::uint32_t number = 0;  ///< the oracle's
    std::vector<std::byte> value;
  };
  std::vector<Object> objects_;

 private:
  Object& named(std::string_view name);

  std::uint64_t started_by_ = 0;  ///< which meta
  std::vector<std::unique_ptr<client::Transfer>> unsealed_;
};

class PutCall final : public Putting {
 public:
  PutCall(ClientProcess& client, const PutWish& wish, Micros deadline)
      : Putting(client, {wish}, deadline) {}
  PutCall(ClientProcess& client, const std::vector<PutWish>& wishes, bool group, Micros deadline);

 private:
  void make() override;
  const bool group_ = false;
};

class OpenPutCall final : public Putting {
 public:
  OpenPutCall(ClientProcess& client, const PutWish& wish, Micros deadline)
      : Putting(client, {wish}, deadline) {}

 private:
  void make() override;
  Status fill(client::OpenObject& object);
};

}  // namespace aquifer::sim
