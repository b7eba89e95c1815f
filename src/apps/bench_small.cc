#include "apps/bench_small.h"

#include <unistd.h>

#include <utility>

#include "apps/workload_content.h"
#include "base/strings.h"

namespace aquifer::apps {

SmallObjects::SmallObjects(std::string prefix, std::size_t bytes, std::uint64_t seed)
    : prefix_(std::move(prefix)), bytes_(bytes), seed_(seed) {}

std::string SmallObjects::key(std::uint64_t number) const {
  const std::string digits = std::to_string(number);
  std::string key = prefix_;
  key.append(kKeyBytes - prefix_.size() - digits.size(), '0');
  return key + digits;
}

std::vector<std::string> SmallObjects::keys(std::uint64_t first, std::uint64_t count) const {
  std::vector<std::string> found;
  found.reserve(count);
  for (std::uint64_t i = 0; i < count; ++i) found.push_back(key(first + i));
  return found;
}

void SmallObjects::fill(std::string_view key, std::span<std::byte> out) const {
  Content(key, seed_).fill(0, out);
}

bool SmallObjects::matches(std::string_view key, std::span<const std::byte> value) const {
  return !Content(key, seed_).mismatch(0, value);
}

BenchRow bound_row(std::string name, std::string unit, std::string better, double bound,
                   bool is_quick) {
  BenchRow row;
  row.name = std::move(name);
  row.unit = std::move(unit);
  row.better = std::move(better);
  row.reference = bound;
  row.reference_name = "bound";
  if (!is_quick) row.target = 1.0;
  row.verified = true;
  row.client_process = static_cast<std::uint64_t>(getpid());
  return row;
}

}  // namespace aquifer::apps
