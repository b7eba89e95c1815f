#include "base/check.h"

namespace aquifer::base {

void check_failed(const char* condition, const char* file, int line) {
  std::string_view name = file;
  if (const auto slash = name.rfind("/src/"); slash != std::string_view::npos) {
    name.remove_prefix(slash + 5);
  }
  throw CheckFailed(cat("check failed: ", condition, " at ", name, ":", line));
}

}  // namespace aquifer::base
