// The environment of a process as a value.
//
// Options read variables from an Environment that is given to them, so tests need not change the
// real one, which no other thread could safely read meanwhile. Only main functions take the
// snapshot.
#pragma once

#include <initializer_list>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace aquifer::base {

/// A fixed set of variables and their values. Copies are independent.
class Environment {
 public:
  /// No variables at all.
  Environment() = default;

  /// Exactly these; for tests and for embedding.
  Environment(std::initializer_list<std::pair<const std::string, std::string>> variables);

  /// What the process sees now. Thread: none may change the environment meanwhile.
  static Environment of_process();

  /// The value of `name`, or nothing when it is not set. An empty value is a value.
  std::optional<std::string> find(std::string_view name) const;

  /// The names that begin with `prefix`, sorted.
  std::vector<std::string> names_with_prefix(std::string_view prefix) const;

 private:
  std::map<std::string, std::string, std::less<>> variables_;
};

}  // namespace aquifer::base
