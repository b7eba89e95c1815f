#include "apps/client_flags.h"
#include "apps/commands.h"
#include "apps/render.h"

namespace aquifer::apps {

int run_status(Arguments arguments, const base::Environment& environment) {
  ClientCommand command("status", "Shows the pool and its nodes.");
  if (const auto ended = command.begin(arguments, environment)) return *ended;
  const auto status = command.client().status();
  if (!status) return command.fail(status.error());
  return command.report().done(status_text(*status), status_json(*status));
}

}  // namespace aquifer::apps
