#include "apps/workload_trace.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <nlohmann/json.hpp>
#include <optional>
#include <unordered_set>

#include "aquifer/types.h"
#include "base/strings.h"

namespace aquifer::apps {
namespace {

using Json = nlohmann::json;

/// What is wrong with a line, or nothing and the request in `request`.
std::optional<std::string> parse_request(const std::string& line, TraceRequest& request) {
  const Json json = Json::parse(line, nullptr, false);
  if (json.is_discarded()) return "not JSON";
  if (!json.is_object()) return "not a JSON object";
  for (const char* name : {"timestamp", "input_length", "output_length"}) {
    const auto found = json.find(name);
    if (found != json.end() && !found->is_number()) return base::cat(name, " is not a number");
  }
  const auto ids = json.find("hash_ids");
  if (ids == json.end()) return "hash_ids is missing";
  if (!ids->is_array()) return "hash_ids is not a list";
  if (ids->size() > Limits::kBatchKeys) {
    return base::cat("hash_ids has ", ids->size(), " ids; ", Limits::kBatchKeys, " are possible");
  }
  std::unordered_set<std::uint64_t> seen;
  for (const Json& id : *ids) {
    if (!id.is_number_unsigned()) return "hash_ids holds something that is not a whole number >= 0";
    request.push_back(id.get<std::uint64_t>());
    if (!seen.insert(request.back()).second) {
      return base::cat("hash_ids holds ", request.back(), " twice");
    }
  }
  return std::nullopt;
}

Error wrong(const std::string& name, std::size_t line, const std::string& what) {
  return {Status::kInvalidArgument, base::cat(name, ":", line, ": ", what),
          "a trace has one request a line, like {\"hash_ids\": [0, 1, 2]}"};
}

}  // namespace

std::uint64_t Trace::blocks() const {
  std::uint64_t count = 0;
  for (const TraceRequest& request : requests) count += request.size();
  return count;
}

std::size_t Trace::longest_request() const {
  std::size_t longest = 0;
  for (const TraceRequest& request : requests) longest = std::max(longest, request.size());
  return longest;
}

Result<Trace> read_trace(std::istream& input, const std::string& name) {
  Trace trace;
  std::string line;
  std::size_t number = 0;
  while (std::getline(input, line)) {
    ++number;
    TraceRequest request;
    if (const auto problem = parse_request(line, request)) return wrong(name, number, *problem);
    trace.requests.push_back(std::move(request));
  }
  if (trace.requests.empty()) return wrong(name, 1, "no request");
  return trace;
}

Result<Trace> read_trace_file(const std::string& path) {
  std::ifstream file(path);
  if (!file) {
    return Error{Status::kIo, base::cat("cannot read ", path, ": ", std::strerror(errno)), ""};
  }
  auto trace = read_trace(file, path);
  if (file.bad()) return Error{Status::kIo, base::cat("cannot read ", path), "is it a file?"};
  return trace;
}

}  // namespace aquifer::apps
