// One replica on its way: the steps in which a client touches the memory of a segment, each of
// which the scheduler may separate from the next. What they do is what client/shm_transfer.cc does
// in one go.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "client/handle.h"
#include "client/put_verdict.h"
#include "sim/client_process.h"
#include "sim/plan.h"

namespace aquifer::sim {

using client::Outcome;

struct Transfer {
  std::string_view key;
  base::PutId put{};
  std::uint64_t value_bytes = 0;
  std::span<const std::byte> source;  ///< to be written
  std::uint32_t number = 0;           ///< of the put, the oracle's
  std::uint16_t replicas = 1;         ///< that its put asks for
  base::GroupPlace group{};
  client::ReplicaPlace place;
  std::shared_ptr<Mapped> mapped;
  bool is_held = false;  ///< entered for writing
  bool is_sealed = false;
  Outcome outcome = Outcome::kDone;
  std::vector<std::uint64_t> page_digests;
  std::vector<std::byte> header;
  std::uint64_t header_digest = 0;

  bool failed() const { return outcome != Outcome::kDone; }
  void fail(Outcome why) {
    if (!failed()) {
      outcome = why;
    }
  }
  Place where() const { return {place.segment, place.slot, place.generation}; }
  std::uint32_t header_bytes() const;
  pool::ObjectIdentity identity() const;
  bool slot_is(pool::SlotState state) const;

  // Writing.
  void enter();
  void leave();
  void describe();
  void write_page(std::uint64_t page);
  void make_header();
  void write_header();
  void seal(Fault fault);

  // Reading.
  void read_header();
  void read_page(std::uint64_t page, std::span<std::byte> value);
};

}  // namespace aquifer::sim
