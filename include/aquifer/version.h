// The version of the library and of the protocol it speaks.
#pragma once

#include <cstdint>
#include <string_view>

#include "aquifer/export.h"

namespace aquifer {

/// "MAJOR.MINOR.PATCH" of this build, from the file VERSION.
AQUIFER_EXPORT std::string_view version();

/// Number of the wire protocol; two processes with different numbers refuse each other by name.
inline constexpr std::uint16_t kProtocolVersion = 1;

}  // namespace aquifer
