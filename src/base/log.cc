#include "base/log.h"

#include <spdlog/sinks/base_sink.h>
#include <spdlog/sinks/rotating_file_sink.h>
#include <spdlog/spdlog.h>
#include <sys/poll.h>
#include <unistd.h>

#include <algorithm>
#include <climits>
#include <mutex>

namespace aquifer::base {
namespace {

constexpr const char* kPattern = "%Y-%m-%dT%H:%M:%S.%e %L %v";

// A pipe that nobody reads must not hold a server up: what does not fit in at once is dropped.
class StderrSink : public spdlog::sinks::base_sink<std::mutex> {
 private:
  void sink_it_(const spdlog::details::log_msg& message) override {
    spdlog::memory_buf_t line;
    formatter_->format(message, line);
    pollfd out{STDERR_FILENO, POLLOUT, 0};
    if (poll(&out, 1, 0) == 1 && (out.revents & POLLOUT) != 0) {
      // A pipe that is ready takes as much in one piece.
      [[maybe_unused]] const ssize_t written =
          write(STDERR_FILENO, line.data(), std::min<std::size_t>(line.size(), PIPE_BUF));
    }
  }
  void flush_() override {}
};

// Made at the first line, so that including the library starts nothing.
spdlog::logger& logger() {
  static const auto instance = [] {
    auto made = std::make_shared<spdlog::logger>("aquifer", std::make_shared<StderrSink>());
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
