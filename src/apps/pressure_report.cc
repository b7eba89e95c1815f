#include "apps/pressure_report.h"

#include <unistd.h>

#include <cstdio>
#include <nlohmann/json.hpp>

#include "apps/bench_json_parts.h"
#include "apps/text_table.h"
#include "base/size.h"
#include "base/strings.h"

namespace aquifer::apps {
namespace {

using Json = nlohmann::ordered_json;
using base::format_size_rounded;

// What is promised for a pool of 4 GiB and more.
constexpr std::uint64_t kPoolWithTarget = 4ull << 30;
constexpr double kBlockUtilisation = 0.95;
constexpr double kRandomUtilisation = 0.90;

std::string fixed(double value, int digits) {
  char text[48];
  std::snprintf(text, sizeof text, "%.*f", digits, value);
  return text;
}

std::string yes_no(bool value) { return value ? "yes" : "NO"; }

/// A row of counts or bytes that is to be at most so large a part of the reference.
BenchRow at_most(std::string name, std::string unit, std::uint64_t value, std::uint64_t reference,
                 std::string reference_name, double target) {
  BenchRow row;
  row.name = std::move(name);
  row.unit = std::move(unit);
  row.value = static_cast<double>(value);
  row.reference = static_cast<double>(reference);
  row.reference_name = std::move(reference_name);
  row.better = "lower";
  row.target = target;
  return row;
}

BenchRow utilisation_row(const PressureOutcome& outcome, const std::string& prefix) {
  BenchRow row;
  row.name = prefix + "utilisation";
  row.unit = "bytes";
  row.value = static_cast<double>(outcome.live_bytes_at_first_eviction);
  row.reference = static_cast<double>(outcome.pool_bytes);
  row.reference_name = "data area";
  const bool is_block = outcome.shape == PressureShape::kBlock;
  if (outcome.pool_bytes >= kPoolWithTarget) {
    row.target = is_block ? kBlockUtilisation : kRandomUtilisation;
  }
  return row;
}

void add_speed_rows(const PressureOutcome& outcome, const std::string& prefix,
                    std::vector<BenchRow>& rows) {
  const double empty = outcome.speeds.front().bytes_a_second;
  for (const PressurePhase phase : kPressurePhases) {
    const PressureSpeed& speed = outcome.speeds[static_cast<std::size_t>(phase)];
    BenchRow row;
    row.name = base::cat(prefix, "put.", name_of(phase));
    row.value = speed.bytes_a_second / 1e9;
    row.reference = empty / 1e9;
    row.reference_name = prefix + "put.empty";
    row.moved_bytes = speed.bytes;
    rows.push_back(row);
    BenchRow late;
    late.name = row.name + ".p99";
    late.unit = "ms";
    late.value = speed.latency.p99;
    late.reference = speed.latency.p50;
    late.reference_name = "p50";
    late.better = "lower";
    rows.push_back(std::move(late));
  }
}

std::string speeds_text(const PressureOutcome& outcome) {
  TextTable table({"puts", "count", "GB/s", "ops/s", "p50 ms", "p99 ms", "max ms"}, 1);
  for (const PressurePhase phase : kPressurePhases) {
    const PressureSpeed& speed = outcome.speeds[static_cast<std::size_t>(phase)];
    table.add({std::string(name_of(phase)), std::to_string(speed.puts),
               fixed(speed.bytes_a_second / 1e9, 2), fixed(speed.puts_a_second, 0),
               fixed(speed.latency.p50, 2), fixed(speed.latency.p99, 2),
               fixed(speed.latency.max, 2)});
  }
  return table.text();
}

std::string space_text(std::string_view when, const PressureSpace& space) {
  return base::cat(when, "free ", space.free, " + used ", space.used, " + limbo ", space.limbo,
                   space.adds_up() ? " = " : " IS NOT ", "capacity ", space.capacity, "\n");
}

std::string outcome_text(const PressureOutcome& outcome) {
  const BenchRow utilisation = utilisation_row(outcome, "");
  std::string text = base::cat(
      "\n", name_of(outcome.shape), ": objects of ", format_size_rounded(outcome.smallest),
      outcome.largest == outcome.smallest
          ? ""
          : base::cat(" to ", format_size_rounded(outcome.largest), ", uniformly"),
      "; ", outcome.puts, " puts, ", format_size_rounded(outcome.written_bytes), ", in ",
      fixed(outcome.seconds, 1), " s\n\n", speeds_text(outcome));
  text +=
      base::cat("\nrefused puts         ", outcome.refused, "\nutilisation          ",
                fixed(outcome.utilisation(), 3), " of the data area at the first eviction",
                utilisation.target ? base::cat(" (target ", fixed(*utilisation.target, 2),
                                               ", met: ", yes_no(*utilisation.met()), ")")
                                   : "",
                "\nlive at the end      ",
                fixed(static_cast<double>(outcome.live_bytes_at_end) /
                          static_cast<double>(outcome.pool_bytes),
                      3),
                " of the data area\nevictions            ", outcome.evictions,
                "\nreads                ", outcome.reads, " verified, ", outcome.misses,
                " misses, ", outcome.failed_reads, " failed, ", outcome.wrong_reads, " wrong\n");
  text += space_text("space at the end     ", outcome.space_at_end);
  text += space_text("space afterwards     ", outcome.space_afterwards);
  if (!outcome.trouble.empty()) text += "first trouble: " + outcome.trouble + "\n";
  if (!outcome.is_right()) text += "NOT RIGHT: see above\n";
  return text;
}

}  // namespace

std::vector<BenchRow> pressure_rows(const PressureOutcome& outcome) {
  const std::string prefix = base::cat("pressure.", name_of(outcome.shape), ".");
  std::vector<BenchRow> rows{utilisation_row(outcome, prefix)};
  add_speed_rows(outcome, prefix, rows);
  rows.push_back(at_most(prefix + "refused", "puts", outcome.refused, outcome.puts, "puts", 0));
  rows.push_back(at_most(prefix + "wrong", "reads", outcome.wrong_reads + outcome.failed_reads,
                         outcome.reads, "reads", 0));
  rows.push_back(at_most(prefix + "limbo", "bytes", outcome.space_afterwards.limbo,
                         outcome.space_afterwards.capacity, "capacity", 0));
  const PressureSpace& space = outcome.space_at_end;
  const std::uint64_t sum = space.free + space.used + space.limbo;
  const std::uint64_t off = sum > space.capacity ? sum - space.capacity : space.capacity - sum;
  rows.push_back(at_most(prefix + "unaccounted", "bytes", off, space.capacity, "capacity", 0));
  for (BenchRow& row : rows) {
    row.verified = outcome.is_right();
    row.client_process = static_cast<std::uint64_t>(getpid());
  }
  return rows;
}

std::string pressure_text(const PressureSettings& settings,
                          const std::vector<PressureOutcome>& outcomes) {
  std::string text =
      base::cat("a pool of ", format_size_rounded(settings.pool_bytes), ", ",
                fixed(settings.times, 1), " times its size put by ", settings.writers, " writers, ",
                settings.readers, " readers beside them\n");
  for (const PressureOutcome& outcome : outcomes) text += outcome_text(outcome);
  return text;
}

std::string pressure_json(const PressureSettings& settings,
                          const std::vector<PressureOutcome>& outcomes) {
  Json json;
  json["machine"] = json_of(read_machine());
  json["workload"] = {{"pool_bytes", settings.pool_bytes},
                      {"times", settings.times},
                      {"writers", settings.writers},
                      {"readers", settings.readers},
                      {"seed", settings.seed}};
  json["rows"] = Json::array();
  Json remarks = Json::array();
  for (const PressureOutcome& outcome : outcomes) {
    for (const BenchRow& row : pressure_rows(outcome)) json["rows"].push_back(json_of(row));
    if (!outcome.trouble.empty()) remarks.push_back("first trouble: " + outcome.trouble);
  }
  json["remarks"] = remarks;
  return json.dump(2) + "\n";
}

}  // namespace aquifer::apps
