// Addresses as users write them: tcp://HOST:PORT, with IPv6 hosts in brackets. Names are resolved
// when used.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "aquifer/result.h"

namespace aquifer::io {

struct Address {
  std::string host;
  std::uint16_t port = 0;

  /// "tcp://HOST:PORT" (or "HOST:PORT"). Errors: kInvalidArgument, naming what was expected.
  static Result<Address> parse(std::string_view text);
  std::string text() const;
  bool operator==(const Address&) const = default;
};

/// True for 127.0.0.0/8, ::1 and "localhost".
bool is_loopback(const Address& address);

}  // namespace aquifer::io
