#include "base/log.h"

#include <spdlog/sinks/rotating_file_sink.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

namespace aquifer::base {
namespace {

constexpr const char* kPattern = "%Y-%m-%dT%H:%M:%S.%e %L %v";

// Made at the first line, so that including the library starts nothing.
spdlog::logger& logger() {
  static const auto instance = [] {
    auto made = std::make_shared<spdlog::logger>("aquifer",
                                                 std::make_shared<spdlog::sinks::stderr_sink_mt>());
    made->set_pattern(kPattern);
    made->set_level(spdlog::level::warn);
    made->flush_on(spdlog::level::info);
    return made;
  }();
  return *instance;
}

spdlog::level::level_enum level_of(LogLevel level) {
  switch (level) {
    case LogLevel::kDebug:
      return spdlog::level::debug;
    case LogLevel::kInfo:
      return spdlog::level::info;
    case LogLevel::kWarning:
      return spdlog::level::warn;
    case LogLevel::kError:
      return spdlog::level::err;
  }
  return spdlog::level::err;
}

}  // namespace

void log_line(LogLevel level, std::string_view component, std::string_view text) {
  logger().log(level_of(level), "{}: {}", component, text);
}

bool log_to_file(const std::string& path, std::size_t bytes_max, std::size_t files_max) {
  try {
    auto sink =
        std::make_shared<spdlog::sinks::rotating_file_sink_mt>(path, bytes_max, files_max, true);
    sink->set_formatter(std::make_unique<spdlog::pattern_formatter>(kPattern));
    logger().sinks() = {std::move(sink)};
    return true;
  } catch (const spdlog::spdlog_ex&) {
    return false;
  }
}

void set_log_level(LogLevel level) { logger().set_level(level_of(level)); }

}  // namespace aquifer::base
