// A put, step by step as client/put.cc does it: start, write and seal every replica, finish. Of one
// object, or of several that are to become visible together.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "sim/client_process.h"
#include "sim/transfer.h"

namespace aquifer::sim {

struct PutWish {
  std::uint32_t key = 0;
  std::uint64_t bytes = 0;
  PutMode mode = PutMode::kKeep;
  unsigned replicas = 1;
};

class PutCall final : public Call {
 public:
  PutCall(ClientProcess& client, const PutWish& wish, Micros deadline)
      : PutCall(client, std::vector{wish}, deadline) {}
  /// A group, where it is more than one; all of one mode and number of replicas.
  PutCall(ClientProcess& client, const std::vector<PutWish>& wishes, Micros deadline);
  void start() override;

 private:
  struct Object {
    PutWish wish;
    std::string name;
    std::uint32_t number = 0;  ///< the oracle's
    std::vector<std::byte> value;
    // Of the present round.
    base::PutId put{};  ///< none: it was not given room
    std::vector<std::size_t> replicas;
    Status status = Status::kBusy;
    bool may_be_found = false;  ///< of any round
  };

  void start_round();
  void on_started(std::uint64_t ticket, const Answer& answer);
  void route(std::size_t replica);
  void enter(std::size_t replica);
  void describe(std::size_t replica);
  void write(std::size_t replica, std::uint64_t page);
  void enter_to_seal(std::size_t replica);
  void make_header(std::size_t replica);
  void write_header(std::size_t replica);
  void seal(std::size_t replica);
  void leave_all();
  void conclude();
  void finish();
  void on_finished(const Answer& answer);
  void end_round(bool started);
  void done();
  bool is_group() const { return objects_.size() > 1; }
  std::vector<Object*> open();
  /// The first replica from this one on that is still good; the number of replicas when none is.
  std::size_t good(std::size_t replica) const;
  std::size_t held(std::size_t replica) const;
  Status failure_of_replicas(const Object& object) const;
  bool may_be_sealed(const Object& object) const;
  void touch(const Transfer& transfer);

  std::vector<Object> objects_;
  std::vector<Transfer> replicas_;  ///< of all objects
  bool restarted_ = false;
  std::uint64_t started_in_ = 0;  ///< which meta
  bool acknowledged_ = false;     ///< already, by Fault::kAcknowledgesUnsealed
  int failures_ = 0;
};

}  // namespace aquifer::sim
