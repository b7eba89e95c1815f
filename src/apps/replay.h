// The command `aquifer replay`: its options, its output, its exit status. The replay itself is
// replay_run.h, its text and JSON are here too, for other commands that show one.
#pragma once

#include <string>

#include "apps/client_flags.h"
#include "apps/replay_run.h"
#include "base/environment.h"

namespace aquifer::apps {

/// Returns the exit status: kIntegrity when a byte was wrong, kFailed when a put or a matched get
/// failed.
int run_replay(Arguments arguments, const base::Environment& environment);

std::string replay_text(const ReplayOutcome& outcome);
std::string replay_json(const ReplayOutcome& outcome);

}  // namespace aquifer::apps
