// The commands of the program `aquifer`: one function and one file each, and the table that main
// dispatches from. Each reads its own options and returns the exit status. Not here: bench,
// replay and pressure (bench.h, replay.h, pressure.h).
#pragma once

#include <span>
#include <string_view>

#include "apps/client_flags.h"
#include "base/environment.h"

namespace aquifer::apps {

int run_meta(Arguments arguments, const base::Environment& environment);
int run_node(Arguments arguments, const base::Environment& environment);
int run_solo(Arguments arguments, const base::Environment& environment);
int run_put(Arguments arguments, const base::Environment& environment);
int run_get(Arguments arguments, const base::Environment& environment);
int run_exists(Arguments arguments, const base::Environment& environment);
int run_ls(Arguments arguments, const base::Environment& environment);
int run_pin(Arguments arguments, const base::Environment& environment);
int run_rm(Arguments arguments, const base::Environment& environment);
int run_stat(Arguments arguments, const base::Environment& environment);
int run_status(Arguments arguments, const base::Environment& environment);
int run_drain(Arguments arguments, const base::Environment& environment);
int run_segments(Arguments arguments, const base::Environment& environment);
int run_demo(Arguments arguments, const base::Environment& environment);

struct Command {
  std::string_view name;
  std::string_view summary;
  int (*run)(Arguments arguments, const base::Environment& environment);
};

/// All commands, in the order of the help.
std::span<const Command> commands();

/// Runs the command that the first argument names. Returns the exit status.
int run_program(Arguments arguments, const base::Environment& environment);

}  // namespace aquifer::apps
