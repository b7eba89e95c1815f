// The types of options: how each reads its text and shows its value.
#include <algorithm>
#include <charconv>

#include "base/options.h"
#include "base/size.h"

namespace aquifer::base {
namespace {

using Option = Options::Option;

Option declare(Option::Kind kind, std::string name, std::string help, OptionSpec spec) {
  return {kind, std::move(name), std::move(help), std::move(spec), nullptr, nullptr};
}

template <typename T>
std::optional<T> parse_number(std::string_view text) {
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::string show_real(double value) {
  std::string text(32, '\0');
  const auto [end, error] = std::to_chars(text.data(), text.data() + text.size(), value);
  text.resize(static_cast<std::size_t>(end - text.data()));
  return text;
}

/// "from 1 to 64", "at least 1", "at most 64" or nothing.
template <typename T, typename Show>
std::string describe_range(const NumberSpec<T>& spec, Show show) {
  const bool has_min =
      spec.min != std::numeric_limits<T>::lowest() && !(std::is_unsigned_v<T> && spec.min == T{});
  const bool has_max = spec.max != std::numeric_limits<T>::max();
  if (has_min && has_max) return "from " + show(spec.min) + " to " + show(spec.max);
  if (has_min) return "at least " + show(spec.min);
  if (has_max) return "at most " + show(spec.max);
  return {};
}

/// An option that reads a T with `parse`, checks the range, and shows it with `show`.
template <typename T, typename Parse, typename Show, typename Set, typename Get>
Option number_option(std::string name, std::string help, const NumberSpec<T>& range,
                     OptionSpec spec, std::string noun, Parse parse, Show show, Set set, Get get) {
  const std::string limits = describe_range(range, show);
  if (!limits.empty()) help += " (" + limits + ")";
  Option option = declare(Option::Kind::kValue, std::move(name), std::move(help), std::move(spec));
  const std::string accepted = limits.empty() ? noun : noun + " " + limits;
  option.set = [=](std::span<const std::string> words) -> std::optional<std::string> {
    const std::optional<T> value = parse(words.back());
    // Said this way round, it also refuses what is not a number.
    if (!value || !(*value >= range.min && *value <= range.max)) return accepted;
    set(*value);
    return std::nullopt;
  };
  option.show = [=] { return show(get()); };
  return option;
}

template <typename T, typename Set, typename Get>
Option integer_option(std::string name, std::string help, const NumberSpec<T>& range,
                      OptionSpec spec, Set set, Get get) {
  if (spec.unit.empty()) spec.unit = "N";
  return number_option(
      std::move(name), std::move(help), range, std::move(spec), "a whole number", parse_number<T>,
      [](T value) { return std::to_string(value); }, std::move(set), std::move(get));
}

std::optional<bool> parse_bool(const std::string& text) {
  for (const char* yes : {"true", "1", "yes", "on"}) {
    if (text == yes) return true;
  }
  for (const char* no : {"false", "0", "no", "off"}) {
    if (text == no) return false;
  }
  return std::nullopt;
}

std::string join(std::span<const std::string> words, std::string_view between) {
  std::string text;
  for (const std::string& word : words) {
    if (!text.empty()) text += between;
    text += word;
  }
  return text;
}

/// Appends the parts of `text` between commas, without spaces around them; empty ones are left out.
void split_at_commas(std::string_view text, std::vector<std::string>& parts) {
  while (!text.empty()) {
    const std::string_view part = text.substr(0, text.find(','));
    text.remove_prefix(std::min(text.size(), part.size() + 1));
    const auto first = part.find_first_not_of(' ');
    if (first == std::string_view::npos) continue;
    parts.emplace_back(part.substr(first, part.find_last_not_of(' ') - first + 1));
  }
}

Option text_option(Option::Kind kind, std::string name, std::string& target, std::string help,
                   OptionSpec spec) {
  Option option = declare(kind, std::move(name), std::move(help), std::move(spec));
  option.set = [&target](std::span<const std::string> words) -> std::optional<std::string> {
    target = words.back();
    return std::nullopt;
  };
  option.show = [&target] { return target; };
  return option;
}

}  // namespace

Options& Options::flag(std::string name, bool& target, std::string help, OptionSpec spec) {
  Option option = declare(Option::Kind::kFlag, std::move(name), std::move(help), std::move(spec));
  option.set = [&target](std::span<const std::string> words) -> std::optional<std::string> {
    const auto value = parse_bool(words.back());
    if (!value) return "true or false";
    target = *value;
    return std::nullopt;
  };
  option.show = [&target] { return target ? "true" : "false"; };
  return add(std::move(option));
}

Options& Options::text(std::string name, std::string& target, std::string help, OptionSpec spec) {
  if (spec.unit.empty()) spec.unit = "TEXT";
  return add(
      text_option(Option::Kind::kValue, std::move(name), target, std::move(help), std::move(spec)));
}

Options& Options::size(std::string name, std::uint64_t& target, std::string help,
                       NumberSpec<std::uint64_t> spec) {
  if (spec.unit.empty()) spec.unit = "SIZE";
  return add(number_option(
      std::move(name), std::move(help), spec, spec.without_range(),
      "a size such as 4GiB, 1.5KB or 512", parse_size, format_size,
      [&target](std::uint64_t value) { target = value; }, [&target] { return target; }));
}

Options& Options::duration(std::string name, std::chrono::milliseconds& target, std::string help,
                           OptionSpec spec) {
  if (spec.unit.empty()) spec.unit = "TIME";
  Option option = declare(Option::Kind::kValue, std::move(name), std::move(help), std::move(spec));
  option.set = [&target](std::span<const std::string> words) -> std::optional<std::string> {
    const auto value = parse_duration(words.back());
    if (!value) return "a time such as 250ms, 1.5s or 5 (seconds)";
    target = *value;
    return std::nullopt;
  };
  option.show = [&target] { return format_duration(target); };
  return add(std::move(option));
}

Options& Options::real(std::string name, double& target, std::string help,
                       NumberSpec<double> spec) {
  if (spec.unit.empty()) spec.unit = "X";
  return add(number_option(
      std::move(name), std::move(help), spec, spec.without_range(), "a number",
      parse_number<double>, show_real, [&target](double value) { target = value; },
      [&target] { return target; }));
}

Options& Options::add_integer(std::string name, std::function<void(std::int64_t)> set,
                              std::function<std::int64_t()> get, std::string help,
                              NumberSpec<std::int64_t> range, OptionSpec spec) {
  return add(integer_option(std::move(name), std::move(help), range, std::move(spec),
                            std::move(set), std::move(get)));
}

Options& Options::add_integer(std::string name, std::function<void(std::uint64_t)> set,
                              std::function<std::uint64_t()> get, std::string help,
                              NumberSpec<std::uint64_t> range, OptionSpec spec) {
  return add(integer_option(std::move(name), std::move(help), range, std::move(spec),
                            std::move(set), std::move(get)));
}

Options& Options::choice(std::string name, std::string& target, std::vector<std::string> words,
                         std::string help, OptionSpec spec) {
  const auto set = [&target, words](std::size_t index) { target = words[index]; };
  const auto get = [&target, words] {
    const auto found = std::find(words.begin(), words.end(), target);
    return static_cast<std::size_t>(found == words.end() ? 0 : found - words.begin());
  };
  return add_choice(std::move(name), set, get, words, std::move(help), std::move(spec));
}

Options& Options::add_choice(std::string name, std::function<void(std::size_t)> set,
                             std::function<std::size_t()> get, std::vector<std::string> words,
                             std::string help, OptionSpec spec) {
  if (spec.unit.empty()) spec.unit = join(words, "|");
  Option option = declare(Option::Kind::kValue, std::move(name), std::move(help), std::move(spec));
  option.set = [=](std::span<const std::string> given) -> std::optional<std::string> {
    const auto found = std::find(words.begin(), words.end(), given.back());
    if (found == words.end()) return "one of " + join(words, ", ");
    set(static_cast<std::size_t>(found - words.begin()));
    return std::nullopt;
  };
  option.show = [=] { return words[get()]; };
  return add(std::move(option));
}

Options& Options::list(std::string name, std::vector<std::string>& target, std::string help,
                       OptionSpec spec) {
  if (spec.unit.empty()) spec.unit = "TEXT,...";
  Option option = declare(Option::Kind::kList, std::move(name), std::move(help), std::move(spec));
  option.set = [&target](std::span<const std::string> words) -> std::optional<std::string> {
    target.clear();
    for (const std::string& word : words) split_at_commas(word, target);
    return std::nullopt;
  };
  option.show = [&target] { return join(target, ","); };
  return add(std::move(option));
}

Options& Options::argument(std::string name, std::string& target, std::string help) {
  return add(text_option(Option::Kind::kArgument, std::move(name), target, std::move(help),
                         {.required = true}));
}

Options& Options::optional_argument(std::string name, std::string& target, std::string help) {
  return add(text_option(Option::Kind::kArgument, std::move(name), target, std::move(help), {}));
}

Options& Options::rest_arguments(std::string name, std::vector<std::string>& target,
                                 std::string help, bool required) {
  Option option = declare(Option::Kind::kRestArguments, std::move(name), std::move(help),
                          {.required = required});
  option.set = [&target](std::span<const std::string> words) -> std::optional<std::string> {
    target.assign(words.begin(), words.end());
    return std::nullopt;
  };
  option.show = [&target] { return join(target, " "); };
  return add(std::move(option));
}

}  // namespace aquifer::base
