#include "apps/bench_report.h"

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "apps/bench_json_parts.h"
#include "apps/text_table.h"
#include "aquifer/version.h"
#include "base/size.h"
#include "base/strings.h"

namespace aquifer::apps {
namespace {

using Json = nlohmann::ordered_json;

// Below this, a call is more than a copy: look-ups and wake-ups count.
constexpr std::size_t kBatchWithTarget = 8;

std::string fixed(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.2f", value);
  return text;
}

std::string yes_no(bool value) { return value ? "yes" : "NO"; }

std::string machine_text(const BenchReport& report) {
  const Machine& machine = report.machine;
  return base::cat(
      machine.processor, ", ", machine.cores, " cores, last-level cache ",
      base::format_size_rounded(machine.cache_bytes), machine.cache_known ? "" : " (assumed)",
      ", memory ", base::format_size_rounded(machine.memory_bytes), ", Linux ", machine.kernel,
      "\none object: ", report.object_bytes >> 10, " KiB at ", report.pieces, " addresses",
      report.rotation_bytes == 0
          ? ""
          : base::cat("; source, pool and destination rotate over ",
                      base::format_size_rounded(report.rotation_bytes), " each"),
      "; medians of ", report.rounds, " rounds, limit and pool in turn\n\n");
}

std::string pids(const BenchRow& row) {
  std::string text = std::to_string(row.client_process) + " >";
  for (const std::uint64_t pid : row.node_processes) text += base::cat(' ', pid);
  return text;
}

std::string rows_text(const BenchReport& report) {
  TextTable table({"path", "limit is", "ours", "limit", "unit", "ratio", "target", "met",
                   "verified", "node bytes", "client > node"},
                  2);
  for (const BenchRow& row : report.rows) {
    table.add({row.name, row.reference_name, fixed(row.value), fixed(row.reference), row.unit,
               fixed(row.ratio()), row.target ? fixed(*row.target) : "-",
               row.met() ? yes_no(*row.met()) : "-", yes_no(row.verified),
               base::format_size_rounded(row.node_bytes), pids(row)});
  }
  return table.text();
}

/// The candidates of all rows that share them, one line a row.
std::string candidates_text(const BenchReport& report, std::string_view prefix,
                            std::string_view title) {
  const auto first = std::find_if(report.rows.begin(), report.rows.end(),
                                  [&](const auto& row) { return row.name.starts_with(prefix); });
  if (first == report.rows.end()) return "";
  std::vector<std::string> head{std::string(title)};
  for (const BenchCandidate& candidate : first->candidates) head.push_back(candidate.name);
  TextTable table(head, 1);
  for (const BenchRow& row : report.rows) {
    const bool is_twin = row.name.ends_with(".memcpy") || row.name.ends_with(".digests");
    if (!row.name.starts_with(prefix) || is_twin) continue;
    std::vector<std::string> cells{row.name};
    for (const BenchCandidate& candidate : row.candidates) cells.push_back(fixed(candidate.value));
    table.add(std::move(cells));
  }
  return "\n" + table.text();
}

}  // namespace

std::optional<bool> BenchRow::met() const {
  if (!target) return std::nullopt;
  return better == "higher" ? ratio() >= *target : ratio() <= *target;
}

bool BenchReport::verified() const {
  return std::all_of(rows.begin(), rows.end(), [](const BenchRow& row) { return row.verified; });
}

BenchRow cost_row(std::string name, const char* unit, const std::vector<double>& samples,
                  bool verified, std::vector<std::uint64_t> node_processes) {
  BenchRow row;
  row.name = std::move(name);
  row.unit = unit;
  row.better = "lower";
  row.value = median(samples);
  row.verified = verified;
  row.samples = samples;
  row.client_process = static_cast<std::uint64_t>(getpid());
  row.node_processes = std::move(node_processes);
  return row;
}

double median(std::vector<double> values) {
  if (values.empty()) return 0;
  std::sort(values.begin(), values.end());
  const std::size_t middle = values.size() / 2;
  return values.size() % 2 == 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
}

std::optional<double> bench_target(const std::string& transport, std::size_t batch,
                                   unsigned threads, unsigned replicas, unsigned cores) {
  if (batch < kBatchWithTarget || replicas != 1) return std::nullopt;
  if (transport == "tcp") return 0.90;
  if (threads == 1) return 0.92;
  if (threads == cores) return 0.90;
  return std::nullopt;
}

std::optional<double> bench_memcpy_target(std::size_t batch, unsigned threads, unsigned replicas) {
  if (batch < kBatchWithTarget || threads != 1 || replicas != 1) return std::nullopt;
  return 1.18;
}

nlohmann::ordered_json json_of(const Machine& machine) {
  return {{"processor", machine.processor},       {"cores", machine.cores},
          {"cache_bytes", machine.cache_bytes},   {"cache_known", machine.cache_known},
          {"memory_bytes", machine.memory_bytes}, {"kernel", machine.kernel},
          {"huge_pages", machine.huge_pages},     {"version", version()}};
}

nlohmann::ordered_json json_of(const BenchRow& row) {
  Json json;
  json["name"] = row.name;
  json["unit"] = row.unit;
  json["value"] = row.value;
  json["reference"] = row.reference;
  json["reference_name"] = row.reference_name;
  json["ratio"] = row.ratio();
  json["better"] = row.better;
  json["target"] = row.target ? Json(*row.target) : Json();
  json["met"] = row.met() ? Json(*row.met()) : Json();
  json["verified"] = row.verified;
  json["samples"] = row.samples;
  json["candidates"] = Json::array();
  for (const BenchCandidate& candidate : row.candidates) {
    json["candidates"].push_back({{"name", candidate.name}, {"value", candidate.value}});
  }
  json["moved_bytes"] = row.moved_bytes;
  json["node_bytes"] = row.node_bytes;
  json["client_process"] = row.client_process;
  json["node_processes"] = row.node_processes;
  return json;
}

std::string bench_text(const BenchReport& report) {
  std::string text = machine_text(report) + rows_text(report);
  text += candidates_text(report, "shm.", "copies tried, GB/s");
  text += candidates_text(report, "tcp.", "sockets tried, GB/s");
  for (const std::string& remark : report.remarks) text += "\nnote: " + remark;
  if (!report.remarks.empty()) text += "\n";
  if (!report.verified()) text += "\nNOT VERIFIED: see the rows that say NO\n";
  return text;
}

std::string bench_json(const BenchReport& report) {
  Json json;
  json["machine"] = json_of(report.machine);
  json["workload"] = {{"object_bytes", report.object_bytes},
                      {"pieces", report.pieces},
                      {"rotation_bytes", report.rotation_bytes},
                      {"rounds", report.rounds},
                      {"streams", report.streams}};
  json["rows"] = Json::array();
  for (const BenchRow& row : report.rows) json["rows"].push_back(json_of(row));
  json["remarks"] = report.remarks;
  return json.dump(2) + "\n";
}

}  // namespace aquifer::apps
