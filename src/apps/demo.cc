#include "apps/demo.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <filesystem>
#include <sstream>
#include <system_error>

#include "apps/bench_run.h"
#include "apps/commands.h"
#include "apps/exit_code.h"
#include "apps/text_table.h"
#include "base/strings.h"

namespace aquifer::apps {

// In demo_trace.cc, which CMake makes.
extern const std::string_view kDemoTrace;

namespace {

constexpr std::string_view kProgramLink = "/proc/self/exe";
constexpr std::size_t kBatch = 16;
// Populating memory that was never used takes seconds a GiB; a look does not need as much.
constexpr std::uint64_t kRotationBytesMax = std::uint64_t{512} << 20;

std::string fixed(double value, int digits) {
  std::array<char, 48> text{};
  std::snprintf(text.data(), text.size(), "%.*f", digits, value);
  return text.data();
}

std::string percent(double ratio) { return fixed(ratio * 100, 0) + " %"; }

std::string verified_word(bool verified) { return verified ? "verified" : "NOT VERIFIED"; }

Result<BenchReport> short_bench() {
  BenchSettings settings = quick_bench_settings();
  settings.parts = {"block"};
  settings.batches = {kBatch};
  settings.rotation_bytes = std::min(rotation_bytes(read_machine()), kRotationBytesMax);
  Progress progress;
  return measure_bench(settings, progress);
}

Result<ReplayOutcome> short_replay() {
  const auto trace = demo_trace();
  if (!trace) return trace.error();
  ReplaySettings settings;
  settings.capacity_bytes = std::uint64_t{256} << 20;
  settings.skip = 0.5;
  Progress progress;
  return replay_trace(*trace, settings, progress);
}

int exit_code(const BenchReport& bench, const ReplayOutcome& replay) {
  if (!bench.verified() || !replay.verified()) return ExitCode::kIntegrity;
  return replay.failed_puts == 0 ? ExitCode::kDone : ExitCode::kFailed;
}

}  // namespace

std::string demo_text(const BenchReport& bench, const ReplayOutcome& replay,
                      std::string_view program) {
  TextTable table({"WHAT", "RESULT", "OF THE LIMIT", "CONTENT", "THE LIMIT IS"}, 5);
  for (const BenchRow& row : bench.rows) {
    if (row.name.ends_with(".memcpy")) continue;
    table.add({row.name, base::cat(fixed(row.value, 2), " ", row.unit), percent(row.ratio()),
               verified_word(row.verified), row.reference_name});
  }
  table.add({"replay.hits", percent(replay.hits.ratio()) + " of blocks",
             replay.model.hits == 0 ? "-" : percent(replay.hits.ratio() / replay.model.ratio()),
             verified_word(replay.verified()), "a plain LRU cache of the same size"});
  table.add({"replay.get.p50", fixed(replay.get.p50, 2) + " ms", "", "", ""});
  return base::cat("\n", table.text(),
                   "\nThe names say the way, the operation, replicas (r), objects in one call (b) ",
                   "and copy threads (t).\nWhat to type next:\n  ", program, " meta & ", program,
                   " node &\n  ", program, " put readme README.md && ", program, " status\n");
}

Result<Trace> demo_trace() {
  std::istringstream lines{std::string(kDemoTrace)};
  return read_trace(lines, "the trace of the demo");
}

std::string shown_program(const std::string& path, const base::Environment& environment) {
  namespace fs = std::filesystem;
  std::error_code ignored;
  const fs::path program(path);
  std::istringstream folders(environment.find("PATH").value_or(""));
  for (std::string folder; std::getline(folders, folder, ':');) {
    const fs::path found = fs::path(folder) / program.filename();
    if (!fs::exists(found, ignored)) continue;
    // The first one found is the one that a shell runs.
    if (fs::equivalent(found, program, ignored)) return program.filename().string();
    break;
  }
  const std::string near = fs::proximate(program, ignored).string();
  if (near.empty() || near.starts_with("..")) return path;
  return near.find('/') == std::string::npos ? "./" + near : near;
}

int run_demo(Arguments arguments, const base::Environment& environment) {
  base::Options options("demo",
                        "Starts a private pool on this machine, measures it, replays a short trace "
                        "of requests against it, and ends it again.");
  if (const auto ended = parse_options(options, arguments, environment)) return *ended;
  const Report report("demo", false);
  (void)report.done(
      "Aquifer demo: private pools on this machine, about half a minute, gone afterwards.\n"
      "1. Putting and getting KV blocks (8,784 KiB at 122 addresses): shared memory, then TCP "
      "...\n",
      {});
  const auto bench = short_bench();
  if (!bench) return report.fail(bench.error());
  (void)report.done(
      "2. Replaying requests of a public trace: each reads what is cached and puts the rest ...\n",
      {});
  const auto replay = short_replay();
  if (!replay) return report.fail(replay.error());
  std::error_code unreadable;
  const auto program = std::filesystem::read_symlink(kProgramLink, unreadable);
  const std::string shown = unreadable ? "aquifer" : shown_program(program.string(), environment);
  const int printed = report.done(demo_text(*bench, *replay, shown), {});
  return printed != ExitCode::kDone ? printed : exit_code(*bench, *replay);
}

}  // namespace aquifer::apps
