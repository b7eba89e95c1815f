// The epoch of a meta: its number, above the random id of its process. A later meta has a higher
// number, so epochs, and the ids of the puts started in them, order by time; two metas that give
// themselves the same number differ in the id.
#pragma once

#include <cstdint>

namespace aquifer::protocol {

inline constexpr unsigned kEpochProcessBits = 40;
inline constexpr std::uint64_t kEpochProcessMask = (std::uint64_t{1} << kEpochProcessBits) - 1;

constexpr std::uint64_t make_epoch(std::uint64_t number, std::uint64_t process) {
  return number << kEpochProcessBits | (process & kEpochProcessMask);
}
constexpr std::uint64_t epoch_number(std::uint64_t epoch) { return epoch >> kEpochProcessBits; }
constexpr std::uint64_t epoch_process(std::uint64_t epoch) { return epoch & kEpochProcessMask; }
constexpr bool same_meta(std::uint64_t a, std::uint64_t b) {
  return epoch_process(a) == epoch_process(b);
}

}  // namespace aquifer::protocol
