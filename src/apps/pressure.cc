#include "apps/pressure.h"

#include <algorithm>
#include <string_view>

#include "apps/exit_code.h"
#include "apps/pressure_report.h"
#include "apps/workload_output.h"
#include "base/options.h"

namespace aquifer::apps {
namespace {

enum class Shapes { kAll, kBlock, kRandom };

struct Flags {
  PressureSettings settings;
  Shapes shapes = Shapes::kAll;
  std::string json;
};

constexpr std::string_view kPlant = "plant-wrong-byte";

void declare(base::Options& options, Flags& flags) {
  PressureSettings& settings = flags.settings;
  options
      .size("size", settings.pool_bytes, "memory of the private pool",
            {.min = 32u << 20, .max = 1ull << 44})
      .real("times", settings.times, "how much to put, as a multiple of the pool's size",
            {.min = 0.1, .max = 1000})
      .choice("objects", flags.shapes,
              {{"all", Shapes::kAll}, {"block", Shapes::kBlock}, {"random", Shapes::kRandom}},
              "blocks of 8,784 KiB at 122 addresses, random sizes from 4 KiB to 32 MiB, or one "
              "after the other")
      .integer("writers", settings.writers, "threads that put, each with a client of its own",
               {.min = 1, .max = 64})
      .integer("readers", settings.readers, "threads that get and compare, the same",
               {.min = 0, .max = 64})
      .choice("transport", settings.transport,
              {{"auto", Transport::kAuto}, {"shm", Transport::kShm}, {"tcp", Transport::kTcp}},
              "how the clients move bytes")
      .integer("seed", settings.seed, "sizes and content are functions of it")
      .text("json", flags.json, "write the results to this file; - is stdout", {.unit = "FILE"});
}

/// A switch for tests: declared only where it is used, as it has no place in the help.
bool asks_for_wrong_byte(Arguments arguments) {
  return std::any_of(arguments.begin(), arguments.end(), [](const char* word) {
    return std::string_view(word).find(kPlant) != std::string_view::npos;
  });
}

}  // namespace

int run_pressure(Arguments arguments, const base::Environment& environment) {
  Flags flags;
  base::Options options("pressure",
                        "Drives a private pool through several times its size, and looks at speed, "
                        "space and every byte.");
  declare(options, flags);
  if (asks_for_wrong_byte(arguments)) {
    options.flag(std::string(kPlant), flags.settings.plant_wrong_byte,
                 "damage one byte of what was read at the end");
  }
  if (const auto ended = parse_options(options, arguments, environment)) return *ended;
  if (flags.shapes == Shapes::kBlock) flags.settings.shapes = {PressureShape::kBlock};
  if (flags.shapes == Shapes::kRandom) flags.settings.shapes = {PressureShape::kRandom};
  const Report report("pressure", false);
  const auto outcomes = [&] {
    Progress progress;
    return measure_pressure(flags.settings, progress);
  }();
  if (!outcomes) return report.fail(outcomes.error());
  const int printed = print_results(report, pressure_text(flags.settings, *outcomes),
                                    pressure_json(flags.settings, *outcomes), flags.json);
  if (printed != ExitCode::kDone) return printed;
  const bool is_right = std::all_of(outcomes->begin(), outcomes->end(),
                                    [](const PressureOutcome& o) { return o.is_right(); });
  return is_right ? ExitCode::kDone : ExitCode::kFailed;
}

}  // namespace aquifer::apps
