// Where the results of bench and replay go: a text for people on stdout, JSON into a file.
#pragma once

#include <string>
#include <string_view>

#include "apps/report.h"

namespace aquifer::apps {

/// Prints `text`; writes `json` to `json_file` where that is not empty. With "-" the JSON goes to
/// stdout in the text's place. Returns the exit status: done, or that of what could not be written.
int print_results(const Report& report, std::string_view text, std::string_view json,
                  const std::string& json_file);

}  // namespace aquifer::apps
