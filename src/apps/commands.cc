#include "apps/commands.h"

#include <array>
#include <string>
#include <vector>

#include "apps/bench.h"
#include "apps/exit_code.h"
#include "apps/pressure.h"
#include "apps/render.h"
#include "apps/replay.h"
#include "apps/report.h"
#include "apps/text_table.h"
#include "aquifer/version.h"
#include "base/nearest.h"
#include "base/strings.h"

namespace aquifer::apps {
namespace {

int run_help(Arguments arguments, const base::Environment& environment);
int run_version(Arguments arguments, const base::Environment& environment);

constexpr std::array kCommands = std::to_array<Command>({
    {"demo", "start a private pool, measure it, and show what it does", run_demo},
    {"meta", "run the MetaService: knows where objects are", run_meta},
    {"node", "give memory of this host to a pool", run_node},
    {"solo", "run a whole pool in one process", run_solo},
    {"put", "store a file under a key", run_put},
    {"get", "read the value of a key", run_get},
    {"exists", "say whether a key is in the pool", run_exists},
    {"ls", "list the keys and their sizes", run_ls},
    {"pin", "keep a key from eviction for a time", run_pin},
    {"rm", "remove a key, all keys with a prefix, or all of a namespace", run_rm},
    {"stat", "show the size and the places of an object", run_stat},
    {"status", "show the pool and its nodes", run_status},
    {"drain", "move all that a node holds to others, and let it leave", run_drain},
    {"segments", "list or remove the memory that nodes of this host have left", run_segments},
    {"bench", "measure put and get beside the limits of this machine", run_bench},
    {"replay", "drive a pool with a trace of requests", run_replay},
    {"pressure", "drive a private pool through several times its size", run_pressure},
    {"version", "print the version", run_version},
    {"help", "print this text, or the help of a command", run_help},
});

const Command* find(std::string_view name) {
  for (const Command& command : kCommands) {
    if (command.name == name) return &command;
  }
  return nullptr;
}

std::string help_text() {
  std::string text =
      "Aquifer: a shared pool of KV-cache memory for LLM inference.\n\n"
      "usage: aquifer COMMAND [ARGUMENTS]\n\n";
  TextTable table({"COMMAND", "WHAT IT DOES"}, 2);
  for (const Command& command : kCommands) {
    table.add({std::string(command.name), std::string(command.summary)});
  }
  return text + table.text() +
         "\naquifer COMMAND --help lists a command's options. A first pool on this host:\n\n"
         "  aquifer meta & aquifer node &\n"
         "  aquifer put greeting README.md && aquifer get greeting\n";
}

int unknown_command(std::string_view name, bool json) {
  std::vector<std::string> known;
  known.reserve(kCommands.size());
  for (const Command& command : kCommands) known.emplace_back(command.name);
  const auto near = base::nearest(name, known);
  return Report("", json).fail(
      {Status::kInvalidArgument, base::cat("unknown command ", quoted(name)),
       near ? base::cat("did you mean aquifer ", *near, "?") : "aquifer help lists the commands"});
}

/// The reference of all options, for the documentation (./dev docs).
int print_reference(const base::Environment& environment) {
  constexpr std::string_view kHead =
      "# Configuration\n\n"
      "All options of all commands. This page is made from their declarations by `./dev docs`; "
      "what "
      "holds for all of\nthem (units, the environment, files) is in [cli.md](cli.md). Every "
      "command "
      "also knows `--help`, `--config FILE` and\n`--print-config`.\n";
  int code = Report("help", false).done(kHead, {});
  for (const Command& command : kCommands) {
    if (command.run == run_help) continue;
    if (code == ExitCode::kDone) code = Report("help", false).done("\n", {});
    const std::array words = {"--help-markdown"};
    if (code == ExitCode::kDone) code = command.run(words, environment);
  }
  return code;
}

int run_help(Arguments arguments, const base::Environment& environment) {
  if (arguments.size() == 1 && std::string_view(arguments[0]) == "--markdown") {
    return print_reference(environment);
  }
  if (arguments.empty() || std::string_view(arguments[0]).starts_with("-")) {
    return Report("help", false).done(help_text(), {});
  }
  const Command* command = find(arguments[0]);
  if (command == nullptr) return unknown_command(arguments[0], false);
  if (command->run == run_help) return Report("help", false).done(help_text(), {});
  const std::array help = {"--help"};
  return command->run(help, environment);
}

int run_version(Arguments arguments, const base::Environment& environment) {
  base::Options options("version", "Prints the version of the program and of its protocol.");
  bool json = false;
  options.flag("json", json, "print JSON");
  if (const auto ended = parse_options(options, arguments, environment)) return *ended;
  const std::string text = base::cat("aquifer ", version(), " (protocol ", kProtocolVersion, ")\n");
  return Report("version", json).done(text, version_json());
}

}  // namespace

std::span<const Command> commands() { return kCommands; }

int run_program(Arguments arguments, const base::Environment& environment) {
  if (arguments.empty()) return run_help({}, environment);
  const std::string_view first = arguments[0];
  const Arguments rest = arguments.subspan(1);
  if (first == "--version" || first == "-V") return run_version(rest, environment);
  if (first == "--help" || first == "-h") return run_help(rest, environment);
  if (const Command* command = find(first)) return command->run(rest, environment);
  return unknown_command(first, asks_for_json("", arguments, environment));
}

}  // namespace aquifer::apps
