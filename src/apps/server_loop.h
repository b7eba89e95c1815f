// The life of a command that serves until it is told to end: say when it is ready, wait, stop. Not
// a server itself: those are meta/server.h and node/server.h.
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <string>

#include "apps/client_flags.h"
#include "apps/report.h"
#include "apps/stop_signals.h"
#include "aquifer/result.h"
#include "base/log.h"
#include "base/options.h"

namespace aquifer::apps {

void declare_log_level(base::Options& options, base::LogLevel& level);

/// True where the arguments name an option that begins with --fault-. Only then are such options
/// declared: they break the pool on purpose, for tests, and have no place in the help.
bool asks_for_faults(Arguments arguments);

/// What serve() needs of a server.
struct Served {
  /// Waits up to the time given until the server is ready; true when it is. Empty: it is ready.
  std::function<bool(std::chrono::milliseconds)> wait_ready{};
  /// Waits up to the time given for the server to end by itself, and says why. Empty: it never
  /// does.
  std::function<std::optional<Error>(std::chrono::milliseconds)> wait_failed{};
  std::function<void()> stop;
};

/// Prints `ready` as one line on stdout once the server is ready; waits for a signal; stops the
/// server. Lets the process have as many descriptors as the system allows it. Returns the exit
/// status: done after a signal, that of the error when the server ended by itself.
int serve(const Report& report, StopSignals& signals, const Served& server,
          const std::string& ready);

}  // namespace aquifer::apps
