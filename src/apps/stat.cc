#include "apps/client_flags.h"
#include "apps/commands.h"
#include "apps/render.h"

namespace aquifer::apps {

int run_stat(Arguments arguments, const base::Environment& environment) {
  ClientCommand command("stat", "Shows the size of an object and the nodes that hold it.");
  std::string key;
  command.options().argument("KEY", key, "the key, 1 to 1024 bytes");
  if (const auto ended = command.begin(arguments, environment)) return *ended;
  if (const auto wrong = check_key(key)) return command.report().fail(*wrong);

  const auto stat = command.client().stat(key);
  if (!stat) return command.fail(stat.error(), key);
  if (stat->status != Status::kOk) return command.fail(stat->status, key);
  return command.report().done(stat_text(key, *stat), stat_json(key, *stat));
}

}  // namespace aquifer::apps
