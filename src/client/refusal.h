// Words for a status that meta or a transfer gave to a single key, for Client::last_error: what
// happened, the likely cause, the next step.
#pragma once

#include <optional>
#include <string_view>

#include "aquifer/result.h"

namespace aquifer::client {

/// What was asked for, as far as the words speak of it.
struct Refused {
  std::string_view key{};
  std::string_view meta{};  ///< its address
  unsigned replicas = 1;    ///< that a put asks for
};

/// Nothing for outcomes that need no words: successes and misses.
std::optional<Error> refusal(Status status, const Refused& refused);

}  // namespace aquifer::client
