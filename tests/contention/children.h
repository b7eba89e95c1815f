// Client processes of a contention test: this program started again, killed in the middle of
// whatever they do, and started anew.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

#include "aquifer/types.h"

namespace aquifer::contention {

struct ChildOrder {
  std::string meta;
  Transport transport = Transport::kShm;
  int board = -1;  ///< descriptor
  std::uint64_t seed = 0;
};

/// Starts this program as a client. It ends with its parent at the latest.
pid_t start_child(const ChildOrder& order);

/// What main() does in such a process; the exit status. Nothing when the arguments are no order.
bool is_child(int count, char** words);
int run_child(char** words);

/// Waits up to 30 s for the end of a process; its status as waitpid() says it, or -1 when it had to
/// be killed.
int await_end(pid_t child);

}  // namespace aquifer::contention
