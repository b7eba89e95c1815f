#include "apps/client_flags.h"
#include "apps/commands.h"
#include "apps/render.h"
#include "apps/value_file.h"
#include "base/size.h"
#include "base/strings.h"

namespace aquifer::apps {
namespace {

struct Flags {
  std::string key;
  std::string file;
  std::string node;
  std::string parent;
  bool is_replace = false;
  bool is_if_absent = false;
  PutOptions put;
};

void declare(base::Options& options, Flags& flags) {
  options.argument("KEY", flags.key, "the key, 1 to 1024 bytes")
      .argument("FILE", flags.file, "the value; - reads the standard input")
      .flag("replace", flags.is_replace, "put it in the place of the value that is there")
      .flag("if-absent", flags.is_if_absent, "fail at once while another put of the key is open")
      .text("parent", flags.parent, "the key that this one continues; eviction takes it later",
            {.unit = "KEY"})
      .integer("replicas", flags.put.replicas, "copies, each on another node",
               {.min = 1, .max = Limits::kReplicas})
      .text("node", flags.node, "name of the node for the first copy, where it has room",
            {.unit = "NAME"});
}

std::optional<Error> check(const Flags& flags) {
  if (flags.is_replace && flags.is_if_absent) {
    return Error{Status::kInvalidArgument, "--replace and --if-absent exclude each other",
                 "give one of them"};
  }
  if (!flags.parent.empty()) {
    if (auto wrong = check_key(flags.parent)) return wrong;
  }
  return check_key(flags.key);
}

std::string outcome_text(const Flags& flags, Status status, std::size_t bytes) {
  if (status == Status::kExists) {
    return base::cat(quoted(flags.key), " is in the pool already; nothing was moved\n");
  }
  std::string text =
      base::cat("stored ", quoted(flags.key), " (", base::format_size_rounded(bytes), ")");
  if (status == Status::kPending) {
    text +=
        "; a node has still to confirm that the old value is gone, and a reader that knew it may "
        "read it until then";
  }
  return text + "\n";
}

}  // namespace

int run_put(Arguments arguments, const base::Environment& environment) {
  ClientCommand command("put", "Stores a file under a key.");
  Flags flags;
  declare(command.options(), flags);
  if (const auto ended = command.begin(arguments, environment)) return *ended;
  if (const auto wrong = check(flags)) return command.report().fail(*wrong);
  const auto value = read_value(flags.file);
  if (!value) return command.report().fail(value.error());

  flags.put.preferred_node = flags.node;
  if (flags.is_replace) flags.put.mode = PutMode::kReplace;
  if (flags.is_if_absent) flags.put.mode = PutMode::kIfAbsent;
  const ConstPiece piece{value->data(), value->size()};
  const PutItem item{flags.key, {&piece, 1}, flags.parent};
  const Status status = command.client().put_batch({&item, 1}, flags.put).at(0);
  const bool is_replaced = flags.is_replace && status == Status::kPending;
  if (!is_success(status) && !is_replaced) return command.fail(status, flags.key);
  return command.report().done(outcome_text(flags, status, value->size()),
                               outcome_json(flags.key, status, value->size()));
}

}  // namespace aquifer::apps
