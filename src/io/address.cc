#include "io/address.h"

#include <charconv>

#include "base/strings.h"

namespace aquifer::io {
namespace {

Error malformed(std::string_view text) {
  return {Status::kInvalidArgument, base::cat("\"", text, "\" is not an address"),
          "write it as tcp://HOST:PORT, for example tcp://127.0.0.1:5000"};
}

}  // namespace

Result<Address> Address::parse(std::string_view text) {
  std::string_view rest = text;
  if (rest.starts_with("tcp://")) {
    rest.remove_prefix(6);
  }
  const auto colon = rest.rfind(':');
  if (colon == std::string_view::npos || colon == 0 || rest.find('/') != std::string_view::npos) {
    return malformed(text);
  }
  std::string_view host = rest.substr(0, colon);
  const std::string_view port = rest.substr(colon + 1);
  if (host.starts_with('[') && host.ends_with(']')) {
    host = host.substr(1, host.size() - 2);
  } else if (host.find(':') != std::string_view::npos) {
    return malformed(text);
  }
  Address address;
  address.host = host;
  const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), address.port);
  if (error != std::errc{} || end != port.data() + port.size() || host.empty()) {
    return malformed(text);
  }
  return address;
}

std::string Address::text() const {
  const bool bracketed = host.find(':') != std::string::npos;
  return bracketed ? base::cat("tcp://[", host, "]:", port) : base::cat("tcp://", host, ":", port);
}

bool is_loopback(const Address& address) {
  return address.host == "localhost" || address.host == "::1" || address.host.starts_with("127.");
}

}  // namespace aquifer::io
