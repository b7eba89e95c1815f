// Small gets through the Python module, timed by a script of its own in a child process
// (bench_python.py, which travels inside the program). Not measured where Python or the module
// cannot be found.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "apps/bench_calls.h"
#include "aquifer/result.h"

namespace aquifer::apps {

struct PythonCalls {
  std::string program;  ///< found on the PATH where it has no slash
  std::string meta;
  std::size_t calls = 0;  ///< in a round
  unsigned rounds = 0;
};

/// One item a round, or why there is no figure. Errors: kIo, when the script fails.
struct PythonOutcome {
  std::vector<CallTimes> rounds;
  std::uint64_t process = 0;  ///< pid of the Python that measured
  std::string missing{};      ///< not empty: there is no such program, or it has no module aquifer
};
Result<PythonOutcome> time_python_gets(const PythonCalls& wanted);

/// What the script has printed; nothing when that is not what it prints.
std::optional<std::vector<CallTimes>> parse_python_rounds(const std::string& text);

}  // namespace aquifer::apps
