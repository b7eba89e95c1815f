// Values as files: read whole for a put, written whole or not at all after a get. Not a cache, and
// no streaming: a value is at most Limits::kValueBytes.
#pragma once

#include <string>
#include <string_view>

#include "aquifer/result.h"

namespace aquifer::apps {

/// The path that stands for stdin or stdout.
inline constexpr std::string_view kStandardStream = "-";

/// The content of `path`, "-" for stdin. Errors: kInvalidArgument (empty), kTooLarge (over the
/// limit of a value), kIo (cannot be read).
Result<std::string> read_value(const std::string& path);

/// Puts `value` at `path`, "-" for stdout. A file appears under its name only when it is whole:
/// until then, and after an error, what was there stays. What is no regular file (a device, a pipe)
/// is written directly. Errors: kIo.
Result<void> write_value(const std::string& path, std::string_view value);

}  // namespace aquifer::apps
