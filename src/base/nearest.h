// "Did you mean": the known name that is closest to a mistyped one.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace aquifer::base {

/// The one of `known` that is fewest edits (insert, delete, replace, swap of neighbours) away from
/// `name`, the first of equals. Nothing when all are further than a third of the name's length, at
/// least one edit: a guess that far off is noise.
std::optional<std::string> nearest(std::string_view name, std::span<const std::string> known);

}  // namespace aquifer::base
