// Options of a command: declared once, read from the command line, the environment and a file.
//
// Every command of the program declares its options here, and gets for them: parsing with ranges
// and units, `--help`, `--config FILE`, `--print-config`, environment variables, and errors that
// say which value is wrong, where it came from, and what is accepted. A flag wins over the
// environment, the environment over the file, the file over the default.
//
// It prints nothing, never exits, and throws nothing: parse() returns what the caller should do. It
// is not a registry: each Options object stands alone, and reads only the Environment that it is
// given.
//
//     std::uint64_t dram = 1ull << 30;
//     std::string meta;
//     Options options("node", "Gives memory of this host to a pool.");
//     options.size("dram", dram, "memory to give")
//         .text("meta", meta, "address of the pool's meta", {.environment = "AQUIFER_META"});
//     const ParseOutcome outcome = options.parse(arguments, Environment::of_process());
//     if (!outcome.should_run()) return finish(outcome);
//
// Names to avoid: Kubernetes sets AQUIFER_META_PORT and AQUIFER_META_SERVICE_HOST for a service
// named aquifer-meta, so a command `meta` has no option `port`.
#pragma once

#include <chrono>
#include <concepts>
#include <cstdint>
#include <functional>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "base/environment.h"

namespace aquifer::base {

/// What the caller does next, and what there is to print.
struct ParseOutcome {
  enum class Next {
    kRun,         // go on; all variables are set
    kDone,        // print `text` to stdout and end with 0 (--help, --print-config)
    kUsageError,  // print `text` to stderr and end with the status for wrong usage
  };
  Next next = Next::kRun;
  std::string text;
  /// Worth a line on stderr, but no reason to stop: variables that look like ours and are not
  /// known.
  std::vector<std::string> warnings;

  bool should_run() const { return next == Next::kRun; }
};

/// What can be said about any option beside its name and help.
struct OptionSpec {
  std::string unit;         // the word for the value in the help, "FILE"; by default from the type
  char letter = 0;          // a short form: 'o' for -o
  std::string environment;  // one more variable to read, after AQUIFER_<COMMAND>_<OPTION>
  bool required = false;    // an error when nothing sets it
};

/// The same for numbers, with the range that is accepted, both ends included.
template <typename T>
struct NumberSpec {
  T min = std::numeric_limits<T>::lowest();
  T max = std::numeric_limits<T>::max();
  std::string unit;
  char letter = 0;
  std::string environment;
  bool required = false;

  OptionSpec without_range() const { return {unit, letter, environment, required}; }
};

/// The declared options of one command, and the parser for them. Variables given to the declaring
/// functions hold the defaults, are written by parse(), and outlive the object. One thread at a
/// time.
class Options {
 public:
  /// `command` names the variables (AQUIFER_<COMMAND>_<OPTION>) and stands in the help.
  Options(std::string command, std::string summary);

  /// A switch: `--name` or `--name=true|false`.
  Options& flag(std::string name, bool& target, std::string help, OptionSpec spec = {});

  Options& text(std::string name, std::string& target, std::string help, OptionSpec spec = {});

  /// Bytes; "4GiB", "1.5KB", "512" (base/size.h).
  Options& size(std::string name, std::uint64_t& target, std::string help,
                NumberSpec<std::uint64_t> spec = {});

  /// "250ms", "1.5s"; a bare number is seconds.
  Options& duration(std::string name, std::chrono::milliseconds& target, std::string help,
                    OptionSpec spec = {});

  Options& real(std::string name, double& target, std::string help, NumberSpec<double> spec = {});

  /// Any integer type; what does not fit it is refused like what is out of range.
  template <std::integral T>
  Options& integer(std::string name, T& target, std::string help,
                   NumberSpec<std::type_identity_t<T>> spec = {}) {
    using Wide = std::conditional_t<std::is_signed_v<T>, std::int64_t, std::uint64_t>;
    const NumberSpec<Wide> wide{.min = spec.min, .max = spec.max};
    const auto set = [&target](Wide value) { target = static_cast<T>(value); };
    const auto get = [&target] { return static_cast<Wide>(target); };
    return add_integer(std::move(name), set, get, std::move(help), wide, spec.without_range());
  }

  /// One of a list of words.
  Options& choice(std::string name, std::string& target, std::vector<std::string> words,
                  std::string help, OptionSpec spec = {});

  /// One of a list of words, each standing for a value of an enum.
  template <typename Enum>
  requires std::is_enum_v<Enum> Options& choice(std::string name, Enum& target,
                                                std::vector<std::pair<std::string, Enum>> values,
                                                std::string help, OptionSpec spec = {}) {
    std::vector<std::string> words;
    for (const auto& [word, value] : values) words.push_back(word);
    const auto set = [&target, values](std::size_t index) { target = values[index].second; };
    const auto get = [&target, values] {
      std::size_t index = 0;
      while (index + 1 < values.size() && values[index].second != target) ++index;
      return index;
    };
    return add_choice(std::move(name), set, get, std::move(words), std::move(help),
                      std::move(spec));
  }

  /// Texts: the flag may be repeated, and each value may hold several with commas between. What is
  /// given replaces the default list.
  Options& list(std::string name, std::vector<std::string>& target, std::string help,
                OptionSpec spec = {});

  /// Arguments without a flag, in the order in which they are declared: one that must be there, one
  /// that may be, and (last) all the rest, of which `required` wants at least one.
  Options& argument(std::string name, std::string& target, std::string help);
  Options& optional_argument(std::string name, std::string& target, std::string help);
  Options& rest_arguments(std::string name, std::vector<std::string>& target, std::string help,
                          bool required = false);

  /// Reads `arguments` (without the program's and the command's name), `environment`, and the file
  /// that
  /// --config names. Returns what to do next. After an error some variables may have been written.
  ParseOutcome parse(std::span<const std::string> arguments, const Environment& environment) const;
  ParseOutcome parse(std::span<const char* const> arguments, const Environment& environment) const;

  /// The text of --help.
  std::string help() const;

  /// The same for the documentation: a section in Markdown with a table. parse() answers it to the
  /// single argument --help-markdown, which the help does not name.
  std::string reference() const;

  /// One declared option.
  struct Option {
    enum class Kind { kFlag, kValue, kList, kArgument, kRestArguments };
    Kind kind = Kind::kValue;
    std::string name;
    std::string help;
    OptionSpec spec;
    /// Takes the words given (one, but for lists), or says what would have been accepted.
    std::function<std::optional<std::string>(std::span<const std::string>)> set;
    /// The present value as text that `set` would take.
    std::function<std::string()> show;
  };
  const std::vector<Option>& declared() const { return options_; }
  const std::string& command() const { return command_; }
  const std::string& summary() const { return summary_; }

 private:
  Options& add(Option option);
  Options& add_integer(std::string name, std::function<void(std::int64_t)> set,
                       std::function<std::int64_t()> get, std::string help,
                       NumberSpec<std::int64_t> range, OptionSpec spec);
  Options& add_integer(std::string name, std::function<void(std::uint64_t)> set,
                       std::function<std::uint64_t()> get, std::string help,
                       NumberSpec<std::uint64_t> range, OptionSpec spec);
  Options& add_choice(std::string name, std::function<void(std::size_t)> set,
                      std::function<std::size_t()> get, std::vector<std::string> words,
                      std::string help, OptionSpec spec);

  std::string command_;
  std::string summary_;
  std::vector<Option> options_;
};

}  // namespace aquifer::base
