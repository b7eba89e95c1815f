#include "apps/client_flags.h"
#include "apps/commands.h"
#include "apps/render.h"
#include "base/strings.h"

namespace aquifer::apps {
namespace {

struct Flags {
  std::string key;
  std::string prefix;
  bool is_all = false;
  bool is_sure = false;
};

void declare(base::Options& options, Flags& flags) {
  options.optional_argument("KEY", flags.key, "the key, 1 to 1024 bytes")
      .text("prefix", flags.prefix, "remove all keys that begin with this", {.unit = "PREFIX"})
      .flag("all", flags.is_all, "remove all keys of the namespace; needs --yes")
      .flag("yes", flags.is_sure, "confirms --all");
}

/// Exactly one of the three ways, and --all only when it is meant.
std::optional<Error> check(const Flags& flags, const ClientFlags& pool) {
  const int ways = int{!flags.key.empty()} + int{!flags.prefix.empty()} + int{flags.is_all};
  if (ways > 1) {
    return Error{Status::kInvalidArgument, "KEY, --prefix and --all are three different things",
                 "give one of them"};
  }
  if (flags.is_all && !flags.is_sure) {
    return Error{Status::kInvalidArgument,
                 base::cat("--all removes every key of namespace ", quoted(pool.name_space),
                           " in the pool at ", pool.meta),
                 "add --yes when that is meant"};
  }
  return ways == 0 ? check_key(flags.key) : std::nullopt;
}

int remove_many(ClientCommand& command, const std::string& prefix) {
  const auto removed = command.client().remove_prefix(prefix);
  if (!removed) return command.fail(removed.error());
  const std::string& name_space = command.flags().name_space;
  const std::string of = prefix.empty() ? base::cat(" of namespace ", quoted(name_space))
                                        : base::cat(" that begin with ", quoted(prefix));
  return command.report().done(
      base::cat("removed ", *removed, *removed == 1 ? " key" : " keys", of, "\n"),
      removed_json(name_space, prefix, *removed));
}

int remove_one(ClientCommand& command, const std::string& key) {
  const Status status = command.client().remove(key);
  if (status != Status::kOk && status != Status::kPending) return command.fail(status, key);
  const std::string text =
      status == Status::kPending
          ? base::cat("removed ", quoted(key),
                      "; a node has still to confirm it, and a reader that knew the key may read "
                      "it until then\n")
          : base::cat("removed ", quoted(key), "\n");
  return command.report().done(text, outcome_json(key, status, std::nullopt));
}

}  // namespace

int run_rm(Arguments arguments, const base::Environment& environment) {
  ClientCommand command("rm", "Removes a key, all keys with a prefix, or all of a namespace.");
  Flags flags;
  declare(command.options(), flags);
  if (const auto ended = command.begin(arguments, environment)) return *ended;
  if (const auto wrong = check(flags, command.flags())) return command.report().fail(*wrong);
  if (flags.is_all || !flags.prefix.empty()) return remove_many(command, flags.prefix);
  if (const auto wrong = check_key(flags.key)) return command.report().fail(*wrong);
  return remove_one(command, flags.key);
}

}  // namespace aquifer::apps
