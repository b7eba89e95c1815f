#include "apps/replay.h"

#include <cstdio>
#include <nlohmann/json.hpp>

#include "apps/exit_code.h"
#include "apps/text_table.h"
#include "apps/workload_output.h"
#include "base/options.h"
#include "base/strings.h"

namespace aquifer::apps {
namespace {

using Json = nlohmann::ordered_json;

struct Flags {
  std::string trace;
  ReplaySettings settings;
  std::string json;
};

void declare(base::Options& options, Flags& flags) {
  ReplaySettings& settings = flags.settings;
  options.argument("trace", flags.trace, "file with one request a line: {\"hash_ids\": [0, 1, 2]}")
      .size("object-size", settings.object_bytes, "size of the value stored for each block",
            {.min = 1, .max = Limits::kValueBytes})
      .integer("blocks", settings.blocks,
               "size the private pool to hold so many objects; 0 takes --capacity",
               {.max = 100'000'000})
      .size("capacity", settings.capacity_bytes, "memory of the private pool", {.min = 1u << 20})
      .real("skip", settings.skip,
            "requests at the start that are replayed and not counted: a share below 1, a number "
            "from 1 on",
            {.min = 0.0})
      .choice("transport", settings.transport,
              {{"auto", Transport::kAuto}, {"shm", Transport::kShm}, {"tcp", Transport::kTcp}},
              "how the client moves bytes")
      .integer("threads", settings.copy_threads, "copy threads of the client",
               {.min = 1, .max = 64})
      .integer("seed", settings.seed, "the content of objects is a function of it")
      .text("meta", settings.meta, "drive this pool; without it a private one is started and ended",
            {.unit = "ADDRESS"})
      .text("json", flags.json, "write the results to this file; - is stdout", {.unit = "FILE"});
}

std::string fixed(double value, int digits) {
  char text[48];
  std::snprintf(text, sizeof text, "%.*f", digits, value);
  return text;
}

std::string gigabytes(std::uint64_t bytes) { return fixed(static_cast<double>(bytes) / 1e9, 2); }

Json latency_json(const LatencySummary& latency) {
  return {{"count", latency.count},
          {"p50_ms", latency.p50},
          {"p90_ms", latency.p90},
          {"p99_ms", latency.p99},
          {"max_ms", latency.max}};
}

void add_latency(TextTable& table, const std::string& name, const LatencySummary& latency) {
  table.add({name, std::to_string(latency.count), fixed(latency.p50, 3), fixed(latency.p90, 3),
             fixed(latency.p99, 3), fixed(latency.max, 3)});
}

int exit_code(const ReplayOutcome& outcome) {
  if (!outcome.verified()) return ExitCode::kIntegrity;
  if (outcome.failed_puts != 0 || outcome.lost_blocks != 0) return ExitCode::kFailed;
  return ExitCode::kDone;
}

}  // namespace

std::string replay_text(const ReplayOutcome& outcome) {
  TextTable hits({"hit ratio", "", ""}, 1);
  hits.add({"pool", fixed(outcome.hits.ratio(), 4),
            base::cat(outcome.hits.hits, " of ", outcome.hits.blocks, " blocks")});
  hits.add({base::cat("plain LRU of ", outcome.model_capacity, " blocks"),
            fixed(outcome.model.ratio(), 4),
            base::cat(outcome.model.hits, " of ", outcome.model.blocks, " blocks")});
  if (outcome.known) hits.add({"known for this trace", fixed(*outcome.known, 3), ""});
  TextTable times({"a request, ms", "count", "p50", "p90", "p99", "max"}, 1);
  add_latency(times, "match and get", outcome.get);
  add_latency(times, "put", outcome.put);
  std::string text = base::cat(
      outcome.requests, " requests counted; ", gigabytes(outcome.read_bytes), " GB read, ",
      gigabytes(outcome.written_bytes), " GB written; ", fixed(outcome.seconds, 1),
      " s in all; evictions: ", outcome.evictions, "\n\n", hits.text(), "\n", times.text());
  text += base::cat("\nverified: ", outcome.verified() ? "yes" : "NO", "; wrong blocks ",
                    outcome.wrong_blocks, ", lost blocks ", outcome.lost_blocks, ", failed puts ",
                    outcome.failed_puts, "\n");
  if (!outcome.trouble.empty()) text += "first trouble: " + outcome.trouble + "\n";
  return text;
}

std::string replay_json(const ReplayOutcome& outcome) {
  Json json;
  json["hit_ratio"] = outcome.hits.ratio();
  json["blocks"] = outcome.hits.blocks;
  json["hits"] = outcome.hits.hits;
  json["requests"] = outcome.requests;
  json["model"] = {{"hit_ratio", outcome.model.ratio()},
                   {"hits", outcome.model.hits},
                   {"capacity_blocks", outcome.model_capacity}};
  json["known_hit_ratio"] = outcome.known ? Json(*outcome.known) : Json();
  json["gb_moved"] = static_cast<double>(outcome.read_bytes + outcome.written_bytes) / 1e9;
  json["read_bytes"] = outcome.read_bytes;
  json["written_bytes"] = outcome.written_bytes;
  json["seconds"] = outcome.seconds;
  json["latency"] = {{"get", latency_json(outcome.get)}, {"put", latency_json(outcome.put)}};
  json["evictions"] = outcome.evictions;
  json["lost_blocks"] = outcome.lost_blocks;
  json["failed_puts"] = outcome.failed_puts;
  json["wrong_blocks"] = outcome.wrong_blocks;
  json["verified"] = outcome.verified();
  return json.dump(2) + "\n";
}

int run_replay(Arguments arguments, const base::Environment& environment) {
  Flags flags;
  base::Options options(
      "replay",
      "Drives a pool with a trace of requests: reads the longest cached prefix of "
      "each, stores the rest, verifies every byte.");
  declare(options, flags);
  if (const auto ended = parse_options(options, arguments, environment)) return *ended;
  const Report report("replay", false);
  const auto trace = read_trace_file(flags.trace);
  if (!trace) return report.fail(trace.error());
  const auto outcome = [&] {
    Progress progress;
    return replay_trace(*trace, flags.settings, progress);
  }();
  if (!outcome) return report.fail(outcome.error());
  const int printed =
      print_results(report, replay_text(*outcome), replay_json(*outcome), flags.json);
  return printed != ExitCode::kDone ? printed : exit_code(*outcome);
}

}  // namespace aquifer::apps
