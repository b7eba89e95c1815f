// What a run is to be like, drawn from its seed: how large the pool is, what clients do, and which
// things go wrong how often. Every run has its own mixture, since faults that are all there all the
// time hide each other.
#pragma once

#include <cstdint>
#include <string_view>

#include "sim/world.h"

namespace aquifer::sim {

/// A defect planted on purpose.
enum class Fault : std::uint8_t {
  kNone,
  kAcknowledgesUnsealed,  ///< a writer commits before it seals
  kAllocatesUnreported,   ///< meta hands out space before the report is complete
  kFreesGranted,          ///< a report calls slots free that somebody still writes
  kSealsByStore,          ///< the seal is a store instead of a compare-and-swap
  kReusesLimbo,           ///< meta uses space again without proof that its writer is gone
  kAdoptsRemoved,         ///< a removed object is adopted from a returning node
  kRetiresAnyGeneration,  ///< the node takes a slot back whatever generation was meant
  kReadsAnyGeneration,    ///< a reader does not look at the word of the slot
  kPublishesHalf,         ///< of a group that nodes report, a part becomes visible
  kMax,
};
std::string_view name_of(Fault fault);
/// kMax when there is none of that name.
Fault fault_named(std::string_view name);

struct Plan {
  // The pool.
  unsigned nodes = 2;
  unsigned clients = 3;
  unsigned callers = 2;                   ///< per client
  std::uint64_t data_bytes = 256u << 10;  ///< of the smallest node
  bool lasting = true;                    ///< the memory of nodes outlives their processes
  std::uint64_t forget_after_ms = 3'600'000;
  std::uint32_t report_slots = 16;

  // The work.
  std::uint32_t keys = 8;
  std::uint64_t bytes_max = 4000;
  double two_replicas = 0.3;
  double batch = 0.1;             ///< of gets and puts: several keys in one call
  std::uint32_t groups_max = 12;  ///< each of keys of its own
  Micros think_max = ms(40);
  Micros deadline_min = ms(50);
  Micros deadline_max = ms(1500);
  struct Mix {
    unsigned get = 8, put = 6, replace = 2, put_if_absent = 1, put_group = 1, put_open = 1,
             remove = 2, pin = 1, view = 1, get_range = 1, find = 1;
  } mix;

  // What goes wrong: the mean time between two of a kind, 0: never.
  struct Trouble {
    Micros meta_crash = 0, meta_stop = 0;
    Micros node_crash = 0, node_loss = 0, node_stop = 0;
    Micros client_crash = 0, client_stop = 0;
    Micros cut = 0, hold = 0;
  } trouble;
  double spite = 0;      ///< something goes wrong just when it hurts: at a step of a writer
  double preempted = 0;  ///< a thread of a client stands still in the middle of a call
  Micros network_delay = 300;
  Micros time = ms(3000);  ///< of the part in which things go wrong

  Fault fault = Fault::kNone;
};

Plan draw_plan(World& world, Fault fault);

}  // namespace aquifer::sim
