// The words of errors at the command line: what happened, the likely cause, the next step. A status
// alone is for programs. Not here: how errors are printed (report.h).
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "aquifer/result.h"
#include "aquifer/types.h"

namespace aquifer::apps {

/// The Error for a call about `key` that ended with `status`, which is no success. A miss is no
/// error to a client, so the words are ours; for all else `last`, what the client met latest, has
/// them.
Error explain(Status status, std::string_view key, std::string_view name_space, const Error& last);

/// What is wrong with `key`, if anything.
std::optional<Error> check_key(std::string_view key);

/// `text` for a terminal: control characters as \xNN.
std::string escaped(std::string_view text);

/// The same in quotes.
std::string quoted(std::string_view text);

}  // namespace aquifer::apps
