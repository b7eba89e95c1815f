#include <unistd.h>

#include <algorithm>

#include "apps/byte_range.h"
#include "apps/client_flags.h"
#include "apps/commands.h"
#include "apps/exit_code.h"
#include "apps/render.h"
#include "apps/value_file.h"
#include "base/size.h"
#include "base/strings.h"

namespace aquifer::apps {
namespace {

struct Flags {
  std::string key;
  std::string output{kStandardStream};
  std::string range;
};

void declare(base::Options& options, Flags& flags) {
  options.argument("KEY", flags.key, "the key, 1 to 1024 bytes")
      .text("output", flags.output,
            "where the value goes, - for the standard output; a file appears when it is whole",
            {.unit = "FILE", .letter = 'o'})
      .text("range", flags.range, "only so many bytes from there; without LENGTH all to the end",
            {.unit = "OFFSET:LENGTH"});
}

/// Writes what was read, and the report where one is asked for.
int deliver(const ClientCommand& command, const Flags& flags, std::string_view value,
            const std::string& json) {
  const auto written = write_value(flags.output, value);
  if (!written) return command.report().fail(written.error());
  // The standard output is the value's: the report goes beside it.
  if (flags.output == kStandardStream) {
    return command.flags().json ? Report("get", true, {.output = STDERR_FILENO}).done({}, json)
                                : ExitCode::kDone;
  }
  return command.report().done(base::cat("wrote ", quoted(flags.output), " (",
                                         base::format_size_rounded(value.size()), ")\n"),
                               json);
}

int get_whole(ClientCommand& command, const Flags& flags) {
  const auto value = command.client().get(flags.key);
  if (!value) return command.fail(value.error(), flags.key);
  return deliver(command, flags, *value, outcome_json(flags.key, Status::kOk, value->size()));
}

int get_part(ClientCommand& command, const Flags& flags) {
  const auto range = parse_range(flags.range);
  if (!range) return command.report().fail(range.error());
  // Memory that is never touched costs nothing, so the largest answer needs no look-up before.
  const auto buffer = std::make_unique_for_overwrite<char[]>(range->bytes);
  const Piece piece{buffer.get(), range->bytes};
  const GetOutcome got = command.client().get_range(flags.key, range->offset, {&piece, 1});
  if (got.status != Status::kOk) return command.fail(got.status, flags.key);
  const std::string_view value(buffer.get(), std::min<std::uint64_t>(got.bytes, range->bytes));
  return deliver(command, flags, value, range_json(flags.key, range->offset, value.size()));
}

}  // namespace

int run_get(Arguments arguments, const base::Environment& environment) {
  ClientCommand command("get", "Reads the value of a key, or a part of it, verified.");
  Flags flags;
  declare(command.options(), flags);
  if (const auto ended = command.begin(arguments, environment)) return *ended;
  if (const auto wrong = check_key(flags.key)) return command.report().fail(*wrong);
  return flags.range.empty() ? get_whole(command, flags) : get_part(command, flags);
}

}  // namespace aquifer::apps
