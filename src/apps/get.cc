#include <unistd.h>

#include "apps/client_flags.h"
#include "apps/commands.h"
#include "apps/render.h"
#include "apps/value_file.h"
#include "base/size.h"
#include "base/strings.h"

namespace aquifer::apps {

int run_get(Arguments arguments, const base::Environment& environment) {
  ClientCommand command("get", "Reads the value of a key, verified.");
  std::string key;
  std::string output(kStandardStream);
  command.options()
      .argument("KEY", key, "the key, 1 to 1024 bytes")
      .text("output", output,
            "where the value goes, - for the standard output; a file appears when it is whole",
            {.unit = "FILE", .letter = 'o'});
  if (const auto ended = command.begin(arguments, environment)) return *ended;
  if (const auto wrong = check_key(key)) return command.report().fail(*wrong);
  const auto value = command.client().get(key);
  if (!value) return command.fail(value.error(), key);
  const auto written = write_value(output, *value);
  if (!written) return command.report().fail(written.error());

  const std::string json = outcome_json(key, Status::kOk, value->size());
  // The standard output is the value's: the report, where one is asked for, goes beside it.
  if (output == kStandardStream) {
    return command.flags().json ? Report("get", true, {.output = STDERR_FILENO}).done({}, json) : 0;
  }
  return command.report().done(
      base::cat("wrote ", quoted(output), " (", base::format_size_rounded(value->size()), ")\n"),
      json);
}

}  // namespace aquifer::apps
