#include "apps/server_loop.h"

#include <sys/resource.h>

#include <algorithm>

#include "apps/exit_code.h"

namespace aquifer::apps {

void declare_log_level(base::Options& options, base::LogLevel& level) {
  options.choice("log-level", level,
                 {{"debug", base::LogLevel::kDebug},
                  {"info", base::LogLevel::kInfo},
                  {"warning", base::LogLevel::kWarning},
                  {"error", base::LogLevel::kError}},
                 "the least important lines to write on stderr");
}

bool asks_for_faults(Arguments arguments) {
  return std::ranges::any_of(arguments, [](const char* argument) {
    return std::string_view(argument).starts_with("--fault-");
  });
}

namespace {

/// The usual limit of 1,024 is for programs that use select(); a server has a descriptor for each
/// connection.
void allow_all_descriptors() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  (void)setrlimit(RLIMIT_NOFILE, &limit);
}

}  // namespace

int serve(const Report& report, StopSignals& signals, const Served& server,
          const std::string& ready) {
  using std::chrono::milliseconds;
  // A signal ends either wait at once. A failure is noticed within the time of one turn.
  constexpr milliseconds kTurn(100);
  constexpr milliseconds kTurnUntilReady(10);
  allow_all_descriptors();
  bool is_ready = false;
  while (!signals.wait(is_ready ? kTurn : milliseconds(0))) {
    const auto failed = server.wait_failed ? server.wait_failed(milliseconds(0)) : std::nullopt;
    if (failed) {
      server.stop();
      if (failed->code == Status::kClosed) {  // ended in order, by request of another
        report.note(failed->message);
        return ExitCode::kDone;
      }
      return report.fail(*failed);
    }
    if (is_ready || (server.wait_ready && !server.wait_ready(kTurnUntilReady))) continue;
    is_ready = true;
    // A closed stdout does not end a server: whoever started it may not want the line.
    (void)report.done(ready + "\n", {});
  }
  server.stop();
  return ExitCode::kDone;
}

}  // namespace aquifer::apps
