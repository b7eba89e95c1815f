#include "apps/bench_fit.h"

#include <algorithm>

#include "base/size.h"
#include "base/strings.h"

namespace aquifer::apps {
namespace {

constexpr std::uint64_t kUnit = 64ull << 20;

}  // namespace

std::uint64_t fitting_bytes(std::uint64_t wanted, const Machine& machine) {
  if (machine.available_bytes == 0) return wanted;
  const std::uint64_t usable = machine.available_bytes / 4 * 3;
  if (wanted <= usable) return wanted;
  return std::min(wanted, std::max(usable / kUnit, std::uint64_t{1}) * kUnit);
}

std::optional<std::string> shrink_remark(std::string_view what, std::uint64_t wanted,
                                         std::uint64_t used) {
  if (used >= wanted) return std::nullopt;
  return base::cat(what, ": ", base::format_size_rounded(used), " instead of ",
                   base::format_size_rounded(wanted), ", as much as fits into 3/4 of the memory");
}

}  // namespace aquifer::apps
