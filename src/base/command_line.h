// What one Options::parse() shares between its two halves: splitting the command line (options.cc,
// with CLI11) and choosing among the sources (option_sources.cc). For these two files only.
#pragma once

#include <map>
#include <span>
#include <string>
#include <vector>

#include "base/options.h"

namespace aquifer::base {

inline constexpr const char* kHelp = "help";
inline constexpr const char* kConfig = "config";
inline constexpr const char* kHelpMarkdown = "help-markdown";
inline constexpr const char* kPrintConfig = "print-config";

/// What stands on the command line, by option name; or what is wrong with it.
struct CommandLine {
  std::map<std::string, std::vector<std::string>> words;
  std::string error;

  bool has(const std::string& name) const { return words.contains(name); }
};

CommandLine split_command_line(std::span<const std::string> arguments,
                               std::span<const Options::Option> options);

/// Whether it is given as --name, and so also by the environment and a file.
bool has_flag_name(const Options::Option& option);

/// AQUIFER_<COMMAND>_<NAME>.
std::string variable_name(const std::string& command, const std::string& name);

/// "; did you mean PREFIXname?" with the nearest of `known`, or nothing.
std::string did_you_mean(const std::string& name, std::span<const std::string> known,
                         const std::string& prefix);

/// The declared options with a flag name, and `with_own` also the three that every command has.
std::vector<std::string> flag_names(std::span<const Options::Option> options, bool with_own);

}  // namespace aquifer::base
