// The client processes that load a meta: each looks up, puts, reads back and removes small objects
// through a client as any program has it, and checks every answer. For bench_meta.cc, which
// measures what meta spends on that.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "apps/bench_forks.h"
#include "apps/bench_small.h"
#include "aquifer/result.h"

namespace aquifer::apps {

struct MetaLoad {
  std::uint64_t objects = 0;  ///< that are there all the time, and are looked up; whole batches
  std::uint64_t lookup_batches = 0;  ///< of each process in each round
  std::uint64_t put_batches = 0;     ///< the same
  static constexpr unsigned kProcesses = 4;
  static constexpr std::size_t kBatch = 128;

  std::uint64_t puts_per_round() const { return kProcesses * put_batches * kBatch; }
};

/// What the processes can be told to do; the tally counts keys.
enum class MetaAct : std::uint32_t {
  kLookup,        ///< exists_batch of 128 keys that were put together, drawn at random
  kLookupAbsent,  ///< the same of keys that are not: one batch, to see that answers tell apart
  kPut,           ///< put_batch of new objects
  kReadBack,      ///< get_batch of what was put in this round, every byte compared
  kRemove,        ///< remove_batch of the same
};

/// Starts the processes. `standing` are the objects that are there; those that are put have other
/// keys and the same size. The arguments are not needed afterwards. Errors: kIo.
Result<BenchForks> start_meta_clients(const std::string& meta, const MetaLoad& load,
                                      const SmallObjects& standing, std::uint64_t seed);

}  // namespace aquifer::apps
