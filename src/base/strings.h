// Small pieces of text: joining values into a message. Not formatting of numbers for people
// (size.h).
#pragma once

#include <charconv>
#include <concepts>
#include <string>
#include <string_view>

namespace aquifer::base {

inline void append(std::string& out, std::string_view text) { out.append(text); }
inline void append(std::string& out, char letter) { out.push_back(letter); }
template <std::integral T>
void append(std::string& out, T number) {
  char digits[24];
  const auto end = std::to_chars(digits, digits + sizeof digits, number).ptr;
  out.append(digits, end);
}

/// The parts one behind the other: cat("node ", 3, " left").
template <class... Parts>
std::string cat(const Parts&... parts) {
  std::string out;
  (append(out, parts), ...);
  return out;
}

/// Lower-case hexadecimal digits of a number, without leading zeros.
inline std::string hex(std::uint64_t number) {
  char digits[24];
  const auto end = std::to_chars(digits, digits + sizeof digits, number, 16).ptr;
  return {digits, end};
}

}  // namespace aquifer::base
