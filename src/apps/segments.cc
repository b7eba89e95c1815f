#include <nlohmann/json.hpp>

#include "apps/commands.h"
#include "apps/exit_code.h"
#include "apps/report.h"
#include "apps/text_table.h"
#include "base/size.h"
#include "base/strings.h"
#include "node/left_segments.h"

namespace aquifer::apps {
namespace {

using node::LeftSegment;

std::string_view name_of_state(LeftSegment::State state) {
  switch (state) {
    case LeftSegment::State::kInUse:
      return "in use";
    case LeftSegment::State::kLeft:
      return "left over";
    case LeftSegment::State::kSetAside:
      return "set aside";
    case LeftSegment::State::kUnusable:
      return "unusable";
  }
  return "";
}

std::string text_of(const std::vector<LeftSegment>& segments, const std::string& folder) {
  if (segments.empty()) return base::cat("no segment files in ", folder, "\n");
  TextTable table({"NODE", "STATE", "FILE", "SIZE", "OBJECTS"}, 3);
  for (const LeftSegment& segment : segments) {
    table.add({segment.name, std::string(name_of_state(segment.state)), segment.path,
               base::format_size(segment.file_bytes),
               segment.data_bytes == 0 ? "-" : std::to_string(segment.objects)});
  }
  return table.text();
}

std::string json_of(const std::vector<LeftSegment>& segments) {
  auto list = nlohmann::ordered_json::array();
  for (const LeftSegment& segment : segments) {
    list.push_back({{"node", segment.name},
                    {"state", name_of_state(segment.state)},
                    {"path", segment.path},
                    {"file_bytes", segment.file_bytes},
                    {"data_bytes", segment.data_bytes},
                    {"objects", segment.objects},
                    {"why", segment.why}});
  }
  return nlohmann::ordered_json{{"segments", list}}.dump(
      -1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

}  // namespace

int run_segments(Arguments arguments, const base::Environment& environment) {
  base::Options options("segments",
                        "Lists the segment files of nodes of this host, and removes those that no "
                        "node uses.");
  std::string folder(node::kDefaultSegments);
  std::string remove;
  bool remove_all = false;
  bool json = false;
  options.optional_argument("DIR", folder, "the folder that the nodes' --segments named")
      .text("remove", remove, "remove the files of this node", {.unit = "NAME"})
      .flag("remove-all", remove_all, "remove all that no node uses")
      .flag("json", json, "print JSON");
  if (const auto ended = parse_options(options, arguments, environment)) return *ended;
  const Report report("segments", json);
  auto segments = node::list_segments(folder);
  if (!segments) return report.fail(segments.error());
  if (remove.empty() && !remove_all) {
    return report.done(text_of(*segments, folder), json_of(*segments));
  }
  std::vector<LeftSegment> removed;
  for (const LeftSegment& segment : *segments) {
    const bool is_meant =
        remove_all ? segment.state != LeftSegment::State::kInUse : segment.name == remove;
    if (!is_meant) continue;
    if (const auto done = node::remove_segment(segment); !done) return report.fail(done.error());
    removed.push_back(segment);
  }
  if (removed.empty() && !remove_all) {
    return report.fail(Error{Status::kNotFound,
                             base::cat("no segment file of a node \"", remove, "\" in ", folder),
                             "aquifer segments lists them"});
  }
  return report.done(
      base::cat("removed ", removed.size(), removed.size() == 1 ? " file" : " files", "\n"),
      json_of(removed));
}

}  // namespace aquifer::apps
