#include "base/options.h"

#include <CLI/CLI.hpp>
#include <algorithm>

#include "base/command_line.h"

namespace aquifer::base {
namespace {

using Option = Options::Option;

/// CLI11's view of one option. It only splits the command line and writes the help; types, defaults
/// and what must be there are ours, because its own order puts the file over the environment.
void add_to(CLI::App& app, const Option& option) {
  const std::string letter =
      option.spec.letter == 0 ? "" : std::string("-") + option.spec.letter + ",";
  const std::string spelling = letter + "--" + option.name;
  std::string help = option.help;
  if (!option.spec.environment.empty()) help += " [" + option.spec.environment + "]";
  if (option.kind == Option::Kind::kFlag) {
    app.add_flag(spelling)->description(help)->multi_option_policy(
        CLI::MultiOptionPolicy::TakeLast);
    return;
  }
  CLI::Option* added = app.add_option(spelling)->description(help)->type_name(option.spec.unit);
  added->expected(1)->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  added->default_str(option.show());
}

void add_argument_to(CLI::App& app, const Option& option) {
  const bool rest = option.kind == Option::Kind::kRestArguments;
  CLI::Option* added = app.add_option(option.name)->description(option.help);
  added->type_name("")->required(option.spec.required);
  if (rest) added->expected(1, CLI::detail::expected_max_vector_size);
}

void add_own(CLI::App& app) {
  app.set_help_flag("");
  app.allow_extras(true);
  app.add_flag(std::string("-h,--") + kHelp)->description("print this text and end");
  app.add_option(std::string("--") + kConfig)
      ->description("read options from this file, one key = value a line")
      ->type_name("FILE");
  app.add_flag(std::string("--") + kPrintConfig)
      ->description("print each value and where it comes from, and end");
}

/// CLI11 takes words from the back. "--name=" gives an empty value; CLI11 would take the next
/// argument.
std::vector<std::string> for_cli11(std::span<const std::string> arguments,
                                   std::span<const Option> options) {
  const auto takes_value = [options](std::string_view name) {
    return name == kConfig || std::ranges::any_of(options, [name](const Option& option) {
             return option.name == name && has_flag_name(option) &&
                    option.kind != Option::Kind::kFlag;
           });
  };
  std::vector<std::string> words;
  for (const std::string& argument : arguments) {
    const bool is_empty = argument.starts_with("--") && argument.ends_with("=") &&
                          takes_value(std::string_view(argument).substr(2, argument.size() - 3));
    words.push_back(is_empty ? argument.substr(0, argument.size() - 1) : argument);
    if (is_empty) words.emplace_back();
  }
  std::ranges::reverse(words);
  return words;
}

/// Whether CLI11 left it over because no such option exists. "-" and "-1" are arguments.
bool looks_like_option(const std::string& word) {
  return word.size() > 1 && word.front() == '-' && !(word[1] >= '0' && word[1] <= '9');
}

std::string unknown_option(const std::string& word, std::span<const Option> options) {
  const std::string spelling = word.substr(0, word.find('='));
  const std::string name =
      spelling.substr(std::min(spelling.find_first_not_of('-'), spelling.size()));
  return "unknown option " + spelling + did_you_mean(name, flag_names(options, true), "--");
}

/// Gives the words without a flag to the declared arguments, in order.
void assign_arguments(std::vector<std::string> words, std::span<const Option> options,
                      CommandLine& line) {
  std::size_t used = 0;
  for (const Option& option : options) {
    if (has_flag_name(option) || used == words.size()) continue;
    const std::size_t end = option.kind == Option::Kind::kArgument ? used + 1 : words.size();
    for (; used < end; ++used) line.words[option.name].push_back(std::move(words[used]));
  }
  if (used < words.size()) line.error = "unexpected argument '" + words[used] + "'";
}

/// Runs CLI11 over what stands before "--". Returns the words that belong to no option.
std::vector<std::string> split_options(std::span<const std::string> arguments,
                                       std::span<const Option> options, CommandLine& line) {
  CLI::App app;
  add_own(app);
  for (const Option& option : options) {
    if (has_flag_name(option)) add_to(app, option);
  }
  try {
    app.parse(for_cli11(arguments, options));
  } catch (const CLI::ArgumentMismatch& mismatch) {
    const std::string what = mismatch.what();
    line.error = "option " + what.substr(0, what.find(':')) + " needs a value";
    return {};
  }
  for (const std::string& name : flag_names(options, true)) {
    const CLI::Option* option = app.get_option("--" + name);
    if (option->count() > 0) line.words[name] = option->results();
  }
  return app.remaining();
}

}  // namespace

CommandLine split_command_line(std::span<const std::string> arguments,
                               std::span<const Options::Option> options) try {
  CommandLine line;
  const auto mark = std::ranges::find(arguments, "--");
  const auto before = static_cast<std::size_t>(mark - arguments.begin());
  std::vector<std::string> words = split_options(arguments.first(before), options, line);
  if (!line.error.empty()) return line;
  const auto unknown = std::ranges::find_if(words, looks_like_option);
  if (unknown != words.end()) {
    line.error = unknown_option(*unknown, options);
    return line;
  }
  if (mark != arguments.end()) words.insert(words.end(), mark + 1, arguments.end());
  assign_arguments(std::move(words), options, line);
  return line;
} catch (const std::exception& unexpected) {
  return {{}, unexpected.what()};
}

Options::Options(std::string command, std::string summary)
    : command_(std::move(command)), summary_(std::move(summary)) {}

Options& Options::add(Option option) {
  options_.push_back(std::move(option));
  return *this;
}

std::string Options::help() const try {
  CLI::App app(summary_, "aquifer " + command_);
  for (const Option& option : options_) {
    has_flag_name(option) ? add_to(app, option) : add_argument_to(app, option);
  }
  add_own(app);
  app.footer("Each option is also read from the environment, as " + variable_name(command_, "") +
             "<OPTION> (upper case, _ for -),\nand from the file of --config. A flag wins over the "
             "environment, and that over the file.");
  return app.help();
} catch (const std::exception& unexpected) {
  return std::string(unexpected.what()) + "\n";
}

}  // namespace aquifer::base
