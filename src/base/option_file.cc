#include "base/option_file.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <map>
#include <optional>
#include <string_view>

namespace aquifer::base {
namespace {

constexpr std::string_view kSpace = " \t\r";

std::string_view trim(std::string_view text) {
  const auto first = text.find_first_not_of(kSpace);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kSpace) - first + 1);
}

/// `text` begins with a quote. Returns what stands inside, or nothing when the quote does not end,
/// or something but a comment follows it.
std::optional<std::string> unquote(std::string_view text) {
  std::string value;
  for (std::size_t i = 1; i < text.size(); ++i) {
    if (text[i] == '"') {
      const std::string_view rest = trim(text.substr(i + 1));
      if (!rest.empty() && rest.front() != '#') return std::nullopt;
      return value;
    }
    if (text[i] == '\\' && i + 1 < text.size()) ++i;
    value.push_back(text[i]);
  }
  return std::nullopt;
}

/// Cuts a comment off: a # at the start or after a space, so that "a#b" stays a value.
std::string_view without_comment(std::string_view text) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '#' && (i == 0 || kSpace.find(text[i - 1]) != std::string_view::npos)) {
      return trim(text.substr(0, i));
    }
  }
  return text;
}

/// Reads one line into `entry`. Returns what is wrong, or an empty text. An empty key is a line
/// without an entry.
std::string read_line(std::string_view line, OptionFileEntry& entry) {
  line = trim(line);
  if (line.empty() || line.front() == '#') return {};
  if (line.front() == '[') return "sections are not used here; write key = value";
  const auto equals = line.find('=');
  if (equals == std::string_view::npos) return "expected key = value";
  entry.key = trim(line.substr(0, equals));
  if (entry.key.empty()) return "the key before = is missing";
  std::replace(entry.key.begin(), entry.key.end(), '_', '-');
  const std::string_view value = trim(line.substr(equals + 1));
  if (value.empty() || value.front() != '"') {
    entry.value = without_comment(value);
    return {};
  }
  auto unquoted = unquote(value);
  if (!unquoted) return "the quotes of the value do not match";
  entry.value = std::move(*unquoted);
  return {};
}

}  // namespace

OptionFile read_option_file(const std::string& path) {
  OptionFile file;
  std::ifstream stream(path);
  std::string line;
  std::map<std::string, std::size_t> seen;
  for (std::size_t number = 1; std::getline(stream, line); ++number) {
    OptionFileEntry entry;
    entry.line = number;
    std::string wrong = read_line(line, entry);
    if (wrong.empty() && entry.key.empty()) continue;
    if (wrong.empty()) {
      const auto [at, first_time] = seen.emplace(entry.key, number);
      if (!first_time) {
        wrong = "key " + entry.key + " stands twice, first on line " + std::to_string(at->second);
      }
    }
    if (!wrong.empty()) {
      file.error = path + ":" + std::to_string(number) + ": " + wrong;
      return file;
    }
    file.entries.push_back(std::move(entry));
  }
  // A missing file fails to open, and a directory to read.
  if (!stream.eof()) file.error = "cannot read " + path + ": " + std::strerror(errno);
  return file;
}

std::string quote_for_option_file(const std::string& value) {
  const bool plain = !value.empty() && value.find_first_of("\"#\\") == std::string::npos &&
                     trim(value).size() == value.size();
  if (plain) return value;
  std::string quoted = "\"";
  for (const char c : value) {
    if (c == '"' || c == '\\') quoted.push_back('\\');
    quoted.push_back(c);
  }
  return quoted + "\"";
}

}  // namespace aquifer::base
