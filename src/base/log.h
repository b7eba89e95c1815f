// Log lines of servers, on stderr. The client library never logs: what it has to say is a status or
// an error.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "base/strings.h"

namespace aquifer::base {

enum class LogLevel { kDebug, kInfo, kWarning, kError };

/// Writes one line. Thread-safe. `component` names the part that speaks ("meta", "node").
void log_line(LogLevel level, std::string_view component, std::string_view text);

/// Writes to `path` instead of stderr from now on; at `bytes_max` the file becomes path.1 and so
/// on, up to `files_max` of them. False when it cannot be written.
bool log_to_file(const std::string& path, std::size_t bytes_max, std::size_t files_max);

/// The lowest level that is written (default kWarning, so that an embedded pool is silent).
/// Thread-safe.
void set_log_level(LogLevel level);

template <class... Parts>
void log_info(std::string_view component, const Parts&... parts) {
  log_line(LogLevel::kInfo, component, cat(parts...));
}
template <class... Parts>
void log_warning(std::string_view component, const Parts&... parts) {
  log_line(LogLevel::kWarning, component, cat(parts...));
}
template <class... Parts>
void log_error(std::string_view component, const Parts&... parts) {
  log_line(LogLevel::kError, component, cat(parts...));
}

}  // namespace aquifer::base
