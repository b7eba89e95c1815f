// What a bench is asked to do, and how that fits the machine: how many objects rotate, how large
// the pool has to be, what one sample moves. Arithmetic only; no memory is touched.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "apps/workload_blocks.h"
#include "apps/workload_machine.h"
#include "aquifer/result.h"
#include "aquifer/types.h"

namespace aquifer::apps {

struct BenchSettings {
  std::vector<std::string> parts{};    ///< of bench_parts(), by name; empty: all
  std::vector<std::string> against{};  ///< of peer_protocols(), by name
  bool quick = false;                  ///< parts take fewer or smaller samples
  std::vector<Transport> transports{Transport::kShm, Transport::kTcp};
  std::vector<std::size_t> batches{1, 8, 16, 24, 32, 40};
  std::vector<unsigned> threads{1};  ///< copy threads of the client
  unsigned streams = 2;  ///< TCP connections, of the pool's client and of the raw sockets
  unsigned replicas = 1;
  unsigned rounds = 7;
  std::uint64_t rotation_bytes = 0;  ///< 0: rotation_bytes() of the machine
  std::string meta{};                ///< a given pool instead of a private one
  std::uint64_t seed = 1;
  bool plant_wrong_byte = false;  ///< damage one byte of what was read, to see that it is noticed
  BlockShape shape = deepseek_r1_shape();
  std::string python = "python3";  ///< that imports the module, for what is measured of it
  std::string program{};           ///< as in PrivatePoolOptions
};

/// Few rounds and batches: a look, not a measurement to publish.
BenchSettings quick_bench_settings();

struct BenchPlan {
  std::size_t slots = 0;         ///< objects that the caller's buffers, and the pool, rotate over
  std::size_t sample_slots = 0;  ///< the most objects that one sample moves
  std::uint64_t pool_bytes = 0;  ///< DRAM of each node of a private pool
  std::vector<std::string> remarks;
};

/// How often a batch is moved in one sample: small batches several times, so that a sample takes
/// milliseconds.
std::size_t calls_per_sample(std::size_t batch);

/// Errors: kInvalidArgument (settings out of range), kNoSpace (not even the largest sample fits
/// into the memory that is available).
Result<BenchPlan> plan_bench(const BenchSettings& settings, const Machine& machine);

/// Makes the plan fit a given pool of `capacity_bytes`. Errors: kNoSpace.
Result<BenchPlan> fit_bench_plan(BenchPlan plan, const BenchSettings& settings,
                                 std::uint64_t capacity_bytes);

}  // namespace aquifer::apps
