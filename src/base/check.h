// AQ_CHECK: what our own code guarantees. A failed check throws CheckFailed, which the outermost
// frame of each thread handles: a server process logs and ends, an embedded pool closes, a client
// call answers kInternal. Never for what a network, a disk or shared memory says: that is validated
// and answered.
#pragma once

#include <stdexcept>
#include <string>

#include "base/strings.h"

namespace aquifer::base {

class CheckFailed : public std::logic_error {
 public:
  using std::logic_error::logic_error;
};

[[noreturn]] void check_failed(const char* condition, const char* file, int line);

}  // namespace aquifer::base

#define AQ_CHECK(condition)                                          \
  do {                                                               \
    if (!(condition)) [[unlikely]]                                   \
      ::aquifer::base::check_failed(#condition, __FILE__, __LINE__); \
  } while (false)
