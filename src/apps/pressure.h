// The command `aquifer pressure`: its options and its exit status. The run itself is
// pressure_run.h.
#pragma once

#include "apps/client_flags.h"
#include "base/environment.h"

namespace aquifer::apps {

/// Returns the exit status: kFailed when a put was refused, a byte was wrong, or the space of the
/// pool does not add up.
int run_pressure(Arguments arguments, const base::Environment& environment);

}  // namespace aquifer::apps
