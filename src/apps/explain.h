// The words of errors at the command line: what happened, the likely cause, the next step. A status
// alone is for programs. Not here: how errors are printed (report.h).
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "aquifer/result.h"
#include "aquifer/types.h"

namespace aquifer::apps {

/// What was asked for, as far as an error speaks of it.
struct Request {
  std::string_view key{};
  std::string_view name_space{};
  std::string_view meta{};
  unsigned replicas = 1;  ///< copies that a put asks for
};

/// The Error for a call that ended with `status`, which is no success. `last` is what the client
/// met latest: its words are used where they are about the same status, ours otherwise.
Error explain(Status status, const Request& request, const Error& last);

/// What is wrong with `key`, if anything.
std::optional<Error> check_key(std::string_view key);

/// `text` for a terminal: control characters as \xNN, in quotes.
std::string quoted(std::string_view text);

}  // namespace aquifer::apps
