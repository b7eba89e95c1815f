// The wish to end, for commands that run until told. Signals are waited for, never handled, so no
// code runs at a moment nobody chose. Not for client commands: those may be killed at any time.
#pragma once

#include <chrono>
#include <csignal>

namespace aquifer::apps {

/// Holds back SIGTERM, SIGINT and (unless it is ignored, as under nohup) SIGHUP in this thread and
/// those that it starts afterwards. Made first thing in a command, before any thread.
class StopSignals {
 public:
  StopSignals();

  /// True once one of the signals has come, at the latest after `time`. From then on they act as
  /// usual again, so that a second one ends the process at once.
  bool wait(std::chrono::milliseconds time);

 private:
  sigset_t signals_;
};

}  // namespace aquifer::apps
