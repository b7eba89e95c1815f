// A put, step by step as client/put.cc does it: start, write and seal every replica, finish.
#pragma once

#include <memory>
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
  PutCall(ClientProcess& client, const PutWish& wish, Micros deadline);
  void start() override;

 private:
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
  void end_round(Status status, bool started);
  void done(Status status);
  /// The first replica from this one on that is still good; the number of replicas when none is.
  std::size_t good(std::size_t replica) const;
  std::size_t held(std::size_t replica) const;
  Status failure_of_replicas() const;
  void touch(const Transfer& transfer);

  const PutWish wish_;
  const std::uint32_t number_;  ///< the oracle's
  const std::vector<std::byte> value_;
  base::PutId put_{};
  std::vector<Transfer> replicas_;
  Status failure_ = Status::kOk;
  bool commit_was_sent_ = false;
  bool has_sealed_ = false;
  bool restarted_ = false;
  std::uint64_t started_in_ = 0;  ///< which meta
  bool acknowledged_ = false;     ///< already, by Fault::kAcknowledgesUnsealed
  int failures_ = 0;
};

}  // namespace aquifer::sim
