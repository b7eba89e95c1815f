// Words for a status that meta or a transfer gave to a single key, for Client::last_error: what
// happened, the likely cause, the next step.
#pragma once

#include <optional>
#include <string_view>

#include "aquifer/result.h"

namespace aquifer::client {

/// Nothing for outcomes that need no words: successes and misses.
std::optional<Error> refusal(Status status, std::string_view key);

}  // namespace aquifer::client
