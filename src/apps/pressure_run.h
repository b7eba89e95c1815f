// Driving a private pool through several times its size: writers that never stop, readers that
// check every byte, and the books of the pool at the end. Measures and verifies; does not print
// (pressure_report.h does).
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <string>
#include <vector>

#include "apps/pressure_load.h"
#include "apps/workload_latency.h"
#include "apps/workload_progress.h"
#include "aquifer/client.h"

namespace aquifer::apps {

struct PressureSettings {
  std::vector<PressureShape> shapes{PressureShape::kBlock, PressureShape::kRandom};
  std::uint64_t pool_bytes = 4ull << 30;
  double times = 3;  ///< bytes of values to put, as a multiple of the pool
  unsigned writers = 2;
  unsigned readers = 1;
  Transport transport = Transport::kAuto;
  std::uint64_t seed = 1;
  bool plant_wrong_byte = false;  ///< damage one byte of what was read, to see that it is noticed
  std::string program{};          ///< as in PrivatePoolOptions
};

/// Where a put falls: `kEmpty` until a quarter of the pool is written, `kFull` from the first
/// eviction on.
enum class PressurePhase : std::uint8_t { kEmpty, kFilling, kFull };
inline constexpr std::array kPressurePhases{PressurePhase::kEmpty, PressurePhase::kFilling,
                                            PressurePhase::kFull};

/// "empty", "filling", "full".
std::string_view name_of(PressurePhase phase);

/// The puts of one phase, of all writers together.
struct PressureSpeed {
  std::uint64_t puts = 0;
  std::uint64_t bytes = 0;
  double bytes_a_second = 0;  ///< summed over the writers: bytes by time inside their calls
  double puts_a_second = 0;   ///< the same
  LatencySummary latency;
};

/// The books of a pool at one moment, in bytes.
struct PressureSpace {
  std::uint64_t capacity = 0;
  std::uint64_t free = 0;
  std::uint64_t used = 0;
  std::uint64_t limbo = 0;

  bool adds_up() const { return free + used + limbo == capacity; }
};

struct PressureOutcome {
  PressureShape shape = PressureShape::kBlock;
  std::uint64_t smallest = 0;  ///< object, bytes
  std::uint64_t largest = 0;
  std::uint64_t pool_bytes = 0;  ///< data area
  std::array<PressureSpeed, kPressurePhases.size()> speeds;
  std::uint64_t puts = 0;
  std::uint64_t refused = 0;  ///< puts that ended with any status but kOk
  std::uint64_t written_bytes = 0;
  /// Value bytes in the pool when the first eviction was seen: those of the puts that had ended
  /// before the pool last said that it had evicted nothing. Zero when nothing was evicted.
  std::uint64_t live_bytes_at_first_eviction = 0;
  std::uint64_t reads = 0;  ///< that delivered a value
  std::uint64_t misses = 0;
  std::uint64_t failed_reads = 0;  ///< neither a value nor a miss
  std::uint64_t wrong_reads = 0;   ///< another content than was put, or a damaged object
  std::uint64_t evictions = 0;
  std::uint64_t live_bytes_at_end =
      0;                           ///< value bytes that could be read when the writers were done
  PressureSpace space_at_end;      ///< when the writers were done
  PressureSpace space_afterwards;  ///< when all clients were gone, and limbo empty or given up
  double seconds = 0;
  std::string trouble{};  ///< the first failure, in words

  double utilisation() const {
    return static_cast<double>(live_bytes_at_first_eviction) / static_cast<double>(pool_bytes);
  }
  bool adds_up() const { return space_at_end.adds_up() && space_afterwards.adds_up(); }
  bool is_right() const {
    return refused == 0 && failed_reads == 0 && wrong_reads == 0 && adds_up() &&
           space_afterwards.limbo == 0;
  }
};

/// One pool for each shape, started and ended. Errors: kNoSpace (not enough memory here), and those
/// of starting a pool.
Result<std::vector<PressureOutcome>> measure_pressure(const PressureSettings& settings,
                                                      Progress& progress);

}  // namespace aquifer::apps
