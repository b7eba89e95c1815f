// The options of a command as a section of the reference in the documentation.
#include <algorithm>

#include "base/command_line.h"
#include "base/options.h"

namespace aquifer::base {
namespace {

using Option = Options::Option;

/// For a cell of a table: a bar would end it.
std::string cell(const std::string& text) {
  std::string escaped;
  for (const char c : text) {
    if (c == '|') escaped += '\\';
    escaped += c;
  }
  return escaped;
}

std::string code(const std::string& text) { return text.empty() ? "" : "`" + cell(text) + "`"; }

std::string spelling(const Option& option) {
  if (!has_flag_name(option)) {
    const std::string name =
        option.kind == Option::Kind::kRestArguments ? option.name + "..." : option.name;
    return option.spec.required ? name : "[" + name + "]";
  }
  std::string text = "--" + option.name;
  if (option.spec.letter != 0) text = std::string("-") + option.spec.letter + ", " + text;
  return option.kind == Option::Kind::kFlag ? text : text + " " + option.spec.unit;
}

std::string row(const Option& option) {
  std::string meaning = cell(option.help);
  if (option.spec.required && has_flag_name(option)) meaning += "; must be given";
  if (!option.spec.environment.empty()) meaning += "; also from " + code(option.spec.environment);
  const std::string value = option.spec.required ? "" : option.show();
  return "| " + code(spelling(option)) + " | " + code(value) + " | " + meaning + " |\n";
}

}  // namespace

std::string Options::reference() const {
  std::string text = "## aquifer " + command_ + "\n\n" + summary_ + "\n";
  if (options_.empty()) return text;
  const bool is_read_elsewhere = std::ranges::any_of(options_, has_flag_name);
  if (is_read_elsewhere) {
    text += "Variables begin with `" + variable_name(command_, "") + "`.\n";
  }
  text += "\n| option | default | meaning |\n| --- | --- | --- |\n";
  for (const Option& option : options_) text += row(option);
  return text;
}

}  // namespace aquifer::base
