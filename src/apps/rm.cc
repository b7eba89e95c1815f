#include "apps/client_flags.h"
#include "apps/commands.h"
#include "apps/render.h"
#include "base/strings.h"

namespace aquifer::apps {

int run_rm(Arguments arguments, const base::Environment& environment) {
  ClientCommand command("rm", "Removes a key.");
  std::string key;
  command.options().argument("KEY", key, "the key, 1 to 1024 bytes");
  if (const auto ended = command.begin(arguments, environment)) return *ended;
  if (const auto wrong = check_key(key)) return command.report().fail(*wrong);

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

}  // namespace aquifer::apps
