#include "base/random.h"

#include <sys/random.h>

#include "base/check.h"

namespace aquifer::base {

std::uint64_t random_id() {
  std::uint64_t value = 0;
  while (value == 0) {
    AQ_CHECK(getrandom(&value, sizeof value, 0) == sizeof value);
  }
  return value;
}

}  // namespace aquifer::base
