#include <algorithm>
#include <cctype>

#include "base/command_line.h"
#include "base/nearest.h"
#include "base/option_file.h"
#include "base/options.h"

namespace aquifer::base {
namespace {

using Option = Options::Option;

/// An option's words, and where they stand, for messages and for --print-config.
struct Given {
  std::vector<std::string> words;
  std::string source;
};

std::string shown_name(const Option& option) {
  return has_flag_name(option) ? "--" + option.name : option.name;
}

/// One parse: the sources in order of precedence, and what was made of them.
class Parse {
 public:
  Parse(const Options& options, std::span<const std::string> arguments,
        const Environment& environment)
      : options_(options),
        environment_(environment),
        line_(split_command_line(arguments, options.declared())) {}

  ParseOutcome run() {
    if (line_.has(kHelp)) return {ParseOutcome::Next::kDone, options_.help(), {}};
    std::string error = line_.error;
    if (error.empty()) error = read_file();
    if (error.empty()) error = set_all();
    const bool print = line_.has(kPrintConfig);
    if (error.empty() && !print) error = find_missing();
    if (!error.empty()) return usage_error(error);
    ParseOutcome outcome;
    outcome.warnings = unknown_variables();
    if (print) {
      outcome.next = ParseOutcome::Next::kDone;
      outcome.text = print_config();
    }
    return outcome;
  }

 private:
  ParseOutcome usage_error(const std::string& error) const {
    return {ParseOutcome::Next::kUsageError,
            error + "\nsee: aquifer " + options_.command() + " --help\n", unknown_variables()};
  }

  std::string read_file() {
    std::optional<std::string> path;
    if (line_.has(kConfig)) path = line_.words.at(kConfig).back();
    if (!path) path = environment_.find(variable_name(options_.command(), kConfig));
    if (!path) return {};
    OptionFile file = read_option_file(*path);
    const std::vector<std::string> known = flag_names(options_.declared(), false);
    for (OptionFileEntry& entry : file.entries) {
      const std::string place = *path + ":" + std::to_string(entry.line);
      if (std::ranges::find(known, entry.key) == known.end()) {
        return place + ": unknown key " + entry.key + did_you_mean(entry.key, known, "");
      }
      file_[entry.key] = {{std::move(entry.value)}, "file " + place};
    }
    return file.error;
  }

  std::optional<Given> find(const Option& option) const {
    const auto on_line = line_.words.find(option.name);
    if (on_line != line_.words.end()) return Given{on_line->second, "flag"};
    if (!has_flag_name(option)) return std::nullopt;
    for (const std::string& variable :
         {variable_name(options_.command(), option.name), option.spec.environment}) {
      const auto value = environment_.find(variable);
      if (value && !value->empty()) return Given{{*value}, "environment " + variable};
    }
    const auto in_file = file_.find(option.name);
    if (in_file != file_.end()) return in_file->second;
    return std::nullopt;
  }

  std::string set_all() {
    for (const Option& option : options_.declared()) {
      const auto given = find(option);
      if (!given) continue;
      const auto accepted = option.set(given->words);
      if (accepted) {
        return "bad value '" + given->words.back() + "' for " + shown_name(option) + " (from " +
               given->source + "): expected " + *accepted;
      }
      sources_[option.name] = given->source;
    }
    return {};
  }

  std::string find_missing() const {
    for (const Option& option : options_.declared()) {
      if (!option.spec.required || sources_.contains(option.name)) continue;
      if (!has_flag_name(option)) return "argument " + option.name + " is missing";
      std::string error = "option --" + option.name + " is missing; it may also be given as " +
                          variable_name(options_.command(), option.name);
      if (!option.spec.environment.empty()) error += " or " + option.spec.environment;
      return error + " in the environment";
    }
    return {};
  }

  std::vector<std::string> unknown_variables() const {
    const std::string prefix = variable_name(options_.command(), "");
    std::vector<std::string> known{"CONFIG"};
    std::vector<std::string> further;
    for (const Option& option : options_.declared()) {
      if (!has_flag_name(option)) continue;
      known.push_back(variable_name(options_.command(), option.name).substr(prefix.size()));
      further.push_back(option.spec.environment);
    }
    std::vector<std::string> warnings;
    for (const std::string& variable : environment_.names_with_prefix(prefix)) {
      const std::string name = variable.substr(prefix.size());
      if (std::ranges::find(known, name) != known.end()) continue;
      if (std::ranges::find(further, variable) != further.end()) continue;
      warnings.push_back("environment variable " + variable + " is not an option of aquifer " +
                         options_.command() + did_you_mean(name, known, prefix));
    }
    return warnings;
  }

  std::string print_config() const {
    std::string text;
    for (const Option& option : options_.declared()) {
      if (!has_flag_name(option)) continue;
      const auto source = sources_.find(option.name);
      text += option.name + " = " + quote_for_option_file(option.show()) + "  # " +
              (source == sources_.end() ? "default" : source->second) + "\n";
    }
    return text;
  }

  const Options& options_;
  const Environment& environment_;
  CommandLine line_;
  std::map<std::string, Given> file_;
  std::map<std::string, std::string> sources_;
};

}  // namespace

bool has_flag_name(const Options::Option& option) {
  return option.kind != Option::Kind::kArgument && option.kind != Option::Kind::kRestArguments;
}

std::string variable_name(const std::string& command, const std::string& name) {
  std::string variable = "AQUIFER_" + command + "_" + name;
  for (char& c : variable) {
    c = (c == '-' || c == ' ') ? '_'
                               : static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  }
  return variable;
}

std::string did_you_mean(const std::string& name, std::span<const std::string> known,
                         const std::string& prefix) {
  const auto found = nearest(name, known);
  return found ? "; did you mean " + prefix + *found + "?" : "";
}

std::vector<std::string> flag_names(std::span<const Options::Option> options, bool with_own) {
  std::vector<std::string> known;
  for (const Option& option : options) {
    if (has_flag_name(option)) known.push_back(option.name);
  }
  if (with_own) known.insert(known.end(), {kHelp, kConfig, kPrintConfig});
  return known;
}

ParseOutcome Options::parse(std::span<const std::string> arguments,
                            const Environment& environment) const {
  if (arguments.size() == 1 && arguments[0] == std::string("--") + kHelpMarkdown) {
    return {ParseOutcome::Next::kDone, reference(), {}};
  }
  return Parse(*this, arguments, environment).run();
}

ParseOutcome Options::parse(std::span<const char* const> arguments,
                            const Environment& environment) const {
  const std::vector<std::string> copies(arguments.begin(), arguments.end());
  return parse(copies, environment);
}

}  // namespace aquifer::base
