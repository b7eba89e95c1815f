#include "apps/client_flags.h"

#include <algorithm>
#include <cctype>

#include "apps/exit_code.h"
#include "base/strings.h"

namespace aquifer::apps {
namespace {

/// The parser's text is the message on the first line, then "see: aquifer put --help".
Error usage_error(std::string_view text) {
  constexpr std::string_view kSee = "see: ";
  Error error{Status::kInvalidArgument, std::string(text.substr(0, text.find('\n'))), {}};
  if (const auto at = text.find(kSee); at != std::string_view::npos) {
    error.hint = text.substr(at + kSee.size());
    error.hint.erase(error.hint.find_last_not_of('\n') + 1);
    error.hint.insert(0, "see ");
  }
  return error;
}

bool is_yes(std::string_view text) {
  return text == "true" || text == "1" || text == "yes" || text == "on";
}

}  // namespace

ClientOptions ClientFlags::client_options() const {
  ClientOptions options;
  options.meta = meta;
  options.name_space = name_space;
  options.transport = transport;
  options.timeout = timeout;
  options.zone = zone;
  return options;
}

void declare_client_flags(base::Options& options, ClientFlags& flags) {
  options
      .text("meta", flags.meta, "address of the pool's meta",
            {.unit = "ADDRESS", .environment = "AQUIFER_META"})
      .text("namespace", flags.name_space, "namespace of the key", {.unit = "NAME"})
      .choice("transport", flags.transport,
              {{"auto", Transport::kAuto}, {"shm", Transport::kShm}, {"tcp", Transport::kTcp}},
              "how the bytes move: shared memory on this host, TCP, or the nearer of the two")
      .duration("timeout", flags.timeout, "give up after this time")
      .text("zone", flags.zone,
            "where this is, as nodes say with their --zone: what is near is read",
            {.unit = "NAME", .environment = "AQUIFER_ZONE"})
      .flag("json", flags.json, "print JSON, errors too");
}

bool asks_for_json(std::string_view command, Arguments arguments,
                   const base::Environment& environment) {
  for (const std::string_view argument : arguments) {
    if (argument == "--") break;
    if (argument == "--json") return true;
    if (argument.starts_with("--json=")) return is_yes(argument.substr(7));
  }
  std::string variable = base::cat("AQUIFER_", command, "_JSON");
  std::ranges::transform(variable, variable.begin(),
                         [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  const auto value = environment.find(variable);
  return value && is_yes(*value);
}

std::optional<int> parse_options(const base::Options& options, Arguments arguments,
                                 const base::Environment& environment) {
  const base::ParseOutcome outcome = options.parse(arguments, environment);
  const Report plain(options.command(), false);
  for (const std::string& warning : outcome.warnings) plain.note("warning: " + warning);
  switch (outcome.next) {
    case base::ParseOutcome::Next::kRun:
      return std::nullopt;
    case base::ParseOutcome::Next::kDone:
      return plain.done(outcome.text, {});
    case base::ParseOutcome::Next::kUsageError:
      break;
  }
  const bool json = asks_for_json(options.command(), arguments, environment);
  return Report(options.command(), json).fail(usage_error(outcome.text));
}

ClientCommand::ClientCommand(std::string name, std::string summary)
    : options_(std::move(name), std::move(summary)) {}

std::optional<int> ClientCommand::begin(Arguments arguments, const base::Environment& environment) {
  declare_client_flags(options_, flags_);
  if (const auto ended = parse_options(options_, arguments, environment)) return ended;
  auto opened = Client::open(flags_.client_options());
  if (!opened) {
    Error error = opened.error();
    if (error.hint.empty()) error.hint = base::cat("see aquifer ", options_.command(), " --help");
    return report().fail(error);
  }
  client_.emplace(std::move(opened).value());
  return std::nullopt;
}

int ClientCommand::fail(Status status, std::string_view key) const {
  return report().fail(explain(status, key, flags_.name_space, client_->last_error()));
}

int ClientCommand::fail(const Error& error, std::string_view key) const {
  return report().fail(explain(error.code, key, flags_.name_space, error));
}

}  // namespace aquifer::apps
