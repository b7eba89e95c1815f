#include "base/size.h"

#include <array>
#include <cctype>
#include <cstdio>
#include <limits>
#include <span>

namespace aquifer::base {
namespace {

struct Unit {
  std::string_view name;
  std::uint64_t factor;
};

__extension__ using Uint128 = unsigned __int128;

constexpr std::array<Unit, 9> kSizeUnits{{{"TiB", 1ull << 40},
                                          {"GiB", 1ull << 30},
                                          {"MiB", 1ull << 20},
                                          {"KiB", 1ull << 10},
                                          {"TB", 1'000'000'000'000},
                                          {"GB", 1'000'000'000},
                                          {"MB", 1'000'000},
                                          {"KB", 1'000},
                                          {"B", 1}}};

constexpr std::array<Unit, 5> kDurationUnits{
    {{"h", 3'600'000}, {"min", 60'000}, {"m", 60'000}, {"s", 1'000}, {"ms", 1}}};

bool equal_ignoring_case(std::string_view left, std::string_view right) {
  if (left.size() != right.size()) return false;
  for (std::size_t i = 0; i < left.size(); ++i) {
    if (std::tolower(static_cast<unsigned char>(left[i])) !=
        std::tolower(static_cast<unsigned char>(right[i]))) {
      return false;
    }
  }
  return true;
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }

std::string_view trim(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  return text;
}

/// "12" and "12.5" and ".5" from the front of `text`, split at the point; nothing when there is no
/// digit.
struct Decimal {
  std::string_view whole;
  std::string_view fraction;
};

std::optional<Decimal> take_decimal(std::string_view& text) {
  Decimal decimal;
  const auto take_digits = [&text] {
    std::size_t count = 0;
    while (count < text.size() && is_digit(text[count])) ++count;
    const std::string_view digits = text.substr(0, count);
    text.remove_prefix(count);
    return digits;
  };
  decimal.whole = take_digits();
  if (!text.empty() && text.front() == '.') {
    text.remove_prefix(1);
    decimal.fraction = take_digits();
    if (decimal.fraction.empty()) return std::nullopt;
  }
  if (decimal.whole.empty() && decimal.fraction.empty()) return std::nullopt;
  return decimal;
}

/// whole.fraction times `factor`, cut off to an integer. In integers, because the nearest double to
/// a fraction may lie just below it and lose the last byte.
std::optional<std::uint64_t> multiply(const Decimal& decimal, std::uint64_t factor) {
  constexpr std::uint64_t kMax = std::numeric_limits<std::uint64_t>::max();
  std::uint64_t whole = 0;
  for (const char c : decimal.whole) {
    const auto digit = static_cast<std::uint64_t>(c - '0');
    if (whole > (kMax - digit) / 10) return std::nullopt;
    whole = whole * 10 + digit;
  }
  if (whole != 0 && factor > kMax / whole) return std::nullopt;
  // 10^18 * 2^40 < 2^100; further digits are below a byte for every unit.
  constexpr std::size_t kDigits = 18;
  Uint128 numerator = 0;
  Uint128 denominator = 1;
  for (const char c : decimal.fraction.substr(0, kDigits)) {
    numerator = numerator * 10 + static_cast<unsigned>(c - '0');
    denominator *= 10;
  }
  const auto part = static_cast<std::uint64_t>(numerator * factor / denominator);
  const std::uint64_t bytes = whole * factor;
  if (bytes > kMax - part) return std::nullopt;
  return bytes + part;
}

std::optional<std::uint64_t> parse_with_units(std::string_view text, std::span<const Unit> units,
                                              std::uint64_t factor_without_unit) {
  text = trim(text);
  const auto decimal = take_decimal(text);
  if (!decimal) return std::nullopt;
  text = trim(text);
  if (text.empty()) return multiply(*decimal, factor_without_unit);
  for (const Unit& unit : units) {
    if (equal_ignoring_case(text, unit.name)) return multiply(*decimal, unit.factor);
  }
  return std::nullopt;
}

std::string format_exactly(std::uint64_t value, std::span<const Unit> units) {
  std::string best;
  for (const Unit& unit : units) {
    if (value == 0 || value % unit.factor != 0) continue;
    std::string candidate = std::to_string(value / unit.factor) + std::string(unit.name);
    if (best.empty() || candidate.size() < best.size()) best = std::move(candidate);
  }
  return best;
}

}  // namespace

std::optional<std::uint64_t> parse_size(std::string_view text) {
  return parse_with_units(text, kSizeUnits, 1);
}

std::string format_size(std::uint64_t bytes) {
  // Without the plain "B": a bare number is a size already.
  const std::string exact = format_exactly(bytes, std::span(kSizeUnits).first(8));
  return exact.empty() ? std::to_string(bytes) : exact;
}

std::string format_size_rounded(std::uint64_t bytes) {
  std::size_t unit = 3;
  if (bytes < 1024) return std::to_string(bytes) + " B";
  while (unit > 0 && bytes >= kSizeUnits[unit - 1].factor) --unit;
  const double value = static_cast<double>(bytes) / static_cast<double>(kSizeUnits[unit].factor);
  const int decimals = value < 10 ? 2 : value < 100 ? 1 : 0;
  std::array<char, 64> buffer{};
  std::snprintf(buffer.data(), buffer.size(), "%.*f %s", decimals, value,
                std::string(kSizeUnits[unit].name).c_str());
  return buffer.data();
}

std::optional<std::chrono::milliseconds> parse_duration(std::string_view text) {
  const auto milliseconds = parse_with_units(text, kDurationUnits, 1'000);
  // A thousand years is beyond any use, and far from where adding it to a clock overflows.
  constexpr std::uint64_t kMax = 1'000ull * 366 * 24 * 3'600'000;
  if (!milliseconds || *milliseconds > kMax) return std::nullopt;
  return std::chrono::milliseconds(*milliseconds);
}

std::string format_duration(std::chrono::milliseconds duration) {
  const auto count = duration.count();
  if (count <= 0) return std::to_string(count) + "ms";
  return format_exactly(static_cast<std::uint64_t>(count), kDurationUnits);
}

}  // namespace aquifer::base
