// What a process has used of the machine so far, as the kernel counts it: for measurements of a
// server from outside. Works for any process of the same user. Not what the server says of itself.
#pragma once

#include <sys/types.h>

#include <cstdint>

#include "aquifer/result.h"

namespace aquifer::apps {

/// CPU time of all threads of a process since it started, in user and kernel mode, in seconds.
/// Errors: kIo (there is no such process).
Result<double> cpu_seconds(pid_t process);

/// Bytes of memory that are resident, those shared with others included. Errors: kIo.
Result<std::uint64_t> resident_bytes(pid_t process);

}  // namespace aquifer::apps
