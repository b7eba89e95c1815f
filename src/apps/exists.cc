#include "apps/client_flags.h"
#include "apps/commands.h"
#include "apps/exit_code.h"
#include "apps/render.h"
#include "base/size.h"
#include "base/strings.h"

namespace aquifer::apps {

int run_exists(Arguments arguments, const base::Environment& environment) {
  ClientCommand command("exists", "Says whether a key is in the pool; exit status 1 when not.");
  std::string key;
  command.options().argument("KEY", key, "the key, 1 to 1024 bytes");
  if (const auto ended = command.begin(arguments, environment)) return *ended;
  if (const auto wrong = check_key(key)) return command.report().fail(*wrong);

  const std::string_view keys[] = {key};
  const GetOutcome outcome = command.client().locate_batch(keys).at(0);
  const bool found = outcome.status == Status::kOk;
  if (!found && outcome.status != Status::kNotFound) return command.fail(outcome.status, key);
  // A key that is not there is an answer here, not an error.
  const std::string text =
      found ? base::cat(quoted(key), " exists (", base::format_size_rounded(outcome.bytes), ")\n")
            : base::cat(quoted(key), " does not exist\n");
  const auto size = found ? std::optional(outcome.bytes) : std::nullopt;
  const int printed = command.report().done(text, outcome_json(key, outcome.status, size));
  return printed == ExitCode::kDone ? exit_code_of(outcome.status) : printed;
}

}  // namespace aquifer::apps
