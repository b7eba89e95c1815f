// Whether addresses that a caller names are memory of this process at all. Engines pass numbers,
// and some of them are addresses of a device: reading there would end the process.
#pragma once

#include <cstddef>
#include <optional>
#include <span>

#include "aquifer/types.h"

namespace aquifer::memory {

/// The index of the first piece whose first or last byte cannot be read; nothing when all can, or
/// where the kernel does not let a process ask. Costs a system call for 512 pieces at places that
/// no earlier call has found to be memory, and next to nothing for others. Thread-safe.
std::optional<std::size_t> first_untouchable(std::span<const Piece> pieces);

}  // namespace aquifer::memory
