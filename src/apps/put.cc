#include "apps/client_flags.h"
#include "apps/commands.h"
#include "apps/render.h"
#include "apps/value_file.h"
#include "base/size.h"
#include "base/strings.h"

namespace aquifer::apps {

int run_put(Arguments arguments, const base::Environment& environment) {
  ClientCommand command("put", "Stores a file under a key.");
  std::string key;
  std::string file;
  std::string node;
  PutOptions put;
  command.options()
      .argument("KEY", key, "the key, 1 to 1024 bytes")
      .argument("FILE", file, "the value; - reads the standard input")
      .integer("replicas", put.replicas, "copies, each on another node",
               {.min = 1, .max = Limits::kReplicas})
      .text("node", node, "name of the node for the first copy, where it has room",
            {.unit = "NAME"});
  if (const auto ended = command.begin(arguments, environment)) return *ended;
  if (const auto wrong = check_key(key)) return command.report().fail(*wrong);
  const auto value = read_value(file);
  if (!value) return command.report().fail(value.error());

  put.preferred_node = node;
  const Status status = command.client().put(key, value->data(), value->size(), put);
  if (!is_success(status)) return command.fail(status, key);
  const std::string text =
      status == Status::kExists
          ? base::cat(quoted(key), " is in the pool already; nothing was moved\n")
          : base::cat("stored ", quoted(key), " (", base::format_size_rounded(value->size()),
                      ")\n");
  return command.report().done(text, outcome_json(key, status, value->size()));
}

}  // namespace aquifer::apps
