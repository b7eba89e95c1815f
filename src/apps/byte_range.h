// A part of a value as it is written on the command line: "64KiB:4096", "1MiB:". Text only; whether
// the value is long enough is for the pool to say.
#pragma once

#include <cstdint>
#include <string_view>

#include "aquifer/result.h"

namespace aquifer::apps {

struct ByteRange {
  std::uint64_t offset = 0;
  std::uint64_t bytes = 0;
};

/// Reads "OFFSET:LENGTH", each a size (base/size.h); without LENGTH as much as a value can hold
/// from there on. Errors: kInvalidArgument, when it is not that, is empty, or lies behind the
/// largest value.
Result<ByteRange> parse_range(std::string_view text);

}  // namespace aquifer::apps
