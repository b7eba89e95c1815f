// Sizes and durations as people write them: "4GiB", "1.5 KB", "512"; "5s", "250ms".
//
// Options, files and JSON tables share this one reading of them. KiB is 1024 and KB is 1000,
// because the two differ by 7 % at a gigabyte and both are in use. Not a number library: no
// negative values, and nothing below a byte or a millisecond.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace aquifer::base {

/// Reads a size in bytes: a decimal number, with or without a fraction, and an optional unit out of
/// B, KB, MB, GB, TB (powers of 1000) and KiB, MiB, GiB, TiB (powers of 1024), in any case, with or
/// without a space before it. A fraction of a byte is cut off. Returns nothing for anything else,
/// and for what does not fit in 64 bits.
std::optional<std::uint64_t> parse_size(std::string_view text);

/// The shortest exact form that parse_size() reads back to the same value: "4GiB", "1500KB", "513".
std::string format_size(std::uint64_t bytes);

/// For people: three digits and a binary unit, "1.46 GiB". Not exact.
std::string format_size_rounded(std::uint64_t bytes);

/// Reads a duration: a decimal number and an optional unit out of ms, s, m or min, h; seconds
/// without a unit. Less than a millisecond is cut off. Returns nothing for anything else or out of
/// range.
std::optional<std::chrono::milliseconds> parse_duration(std::string_view text);

/// The shortest exact form that parse_duration() reads back: "250ms", "5s", "2m".
std::string format_duration(std::chrono::milliseconds duration);

}  // namespace aquifer::base
