#include "base/environment.h"

#include <unistd.h>

namespace aquifer::base {

Environment::Environment(std::initializer_list<std::pair<const std::string, std::string>> variables)
    : variables_(variables) {}

Environment Environment::of_process() {
  Environment environment;
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
    const std::string_view text = *entry;
    const auto equals = text.find('=');
    if (equals == std::string_view::npos) continue;
    environment.variables_.emplace(text.substr(0, equals), text.substr(equals + 1));
  }
  return environment;
}

std::optional<std::string> Environment::find(std::string_view name) const {
  const auto found = variables_.find(name);
  if (found == variables_.end()) return std::nullopt;
  return found->second;
}

std::vector<std::string> Environment::names_with_prefix(std::string_view prefix) const {
  std::vector<std::string> names;
  for (auto at = variables_.lower_bound(prefix); at != variables_.end(); ++at) {
    if (!at->first.starts_with(prefix)) break;
    names.push_back(at->first);
  }
  return names;
}

}  // namespace aquifer::base
