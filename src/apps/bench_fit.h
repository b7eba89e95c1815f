// How large a measurement may be on this machine. Arithmetic only.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "apps/workload_machine.h"

namespace aquifer::apps {

/// `wanted` bytes, or as many whole units of 64 MiB as fit into 3/4 of the memory that is available
/// (at least one unit). What cannot be read does not limit.
std::uint64_t fitting_bytes(std::uint64_t wanted, const Machine& machine);

/// What to tell a reader when `used` is less than `wanted`: "WHAT: 2.00 GiB instead of 16.0 GiB,
/// ...".
std::optional<std::string> shrink_remark(std::string_view what, std::uint64_t wanted,
                                         std::uint64_t used);

}  // namespace aquifer::apps
