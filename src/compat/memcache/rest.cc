#include "compat/memcache/rest.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <nlohmann/json.hpp>

#include "base/strings.h"
#include "compat/memcache/membership.h"

namespace aquifer::compat::memcache {
namespace {

using admin::Request;
using admin::Response;
using base::cat;
using Json = nlohmann::ordered_json;

constexpr std::size_t kConfigKeysMax = 1024;
constexpr std::size_t kConfigBytesMax = 65536;

std::int64_t now_seconds() {
  return std::chrono::duration_cast<std::chrono::seconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

Response json(const Json& body) {
  return {200, body.dump(-1, ' ', false, Json::error_handler_t::replace), "application/json"};
}

// Whatever goes wrong is told with status 200: their clients look at `success`.
Response failed(std::string_view message) {
  return json({{"success", false}, {"error_message", message}, {"timestamp", now_seconds()}});
}

Response missing(std::string_view name) { return failed(cat("Missing '", name, "' parameter")); }

const std::string* parameter(const Request& request, const char* name) {
  const auto found = request.query.find(name);
  return found == request.query.end() || found->second.empty() ? nullptr : &found->second;
}

/// "rank-0-dram"; a node that is not one of theirs goes by its name.
std::string segment_of(const NodeStatus& node) { return node.name + "-dram"; }

double ratio(std::uint64_t part, std::uint64_t whole) {
  return whole == 0 ? 0.0 : static_cast<double>(part) / static_cast<double>(whole);
}

bool is_there(const NodeStatus& node) { return node.state != "lost"; }

/// Bytes that hold objects or may still have a writer.
std::uint64_t taken(const NodeStatus& node) { return node.capacity_bytes - node.free_bytes; }

Json remaining(const NodeStatus& node) {
  return {{"total_bytes", node.capacity_bytes},
          {"used_bytes", taken(node)},
          {"remaining_bytes", node.free_bytes},
          {"remaining_ratio", ratio(node.free_bytes, node.capacity_bytes)}};
}

Json named(const char* name, const NodeStatus& node) {
  Json out{{name, segment_of(node)}, {"medium", "dram"}};
  out.update(remaining(node));
  return out;
}

Json usage(std::uint64_t total, std::uint64_t used) {
  return {{"total_bytes", total},
          {"used_bytes", used},
          {"free_bytes", total - used},
          {"usage_ratio", ratio(used, total)}};
}

Json key_facts(std::string_view key, const ObjectStat& stat) {
  Json blobs = Json::array();
  const bool found = stat.status == Status::kOk;
  for (const ReplicaStat& replica : stat.replicas) {
    const auto rank = rank_of(replica.node);
    blobs.push_back({{"rank", rank ? Json(*rank) : Json(replica.node)}, {"medium", "DRAM"}});
  }
  return {{"key", key},     {"size", found ? stat.bytes : 0},
          {"prot", 0},      {"numBlobs", stat.replicas.size()},
          {"valid", found}, {"blobs", blobs}};
}

/// Requests and failures under MemCache's name for them.
struct Operation {
  std::string_view name;
  std::string_view help;
  std::uint64_t requests = 0;
  std::uint64_t failures = 0;
};

std::vector<Operation> operations(const PoolStatus& status, std::uint64_t queries,
                                  std::uint64_t queries_failed, std::uint64_t batch_queries) {
  const auto calls = [&](std::string_view name) {
    const auto found = std::find_if(status.calls.begin(), status.calls.end(),
                                    [&](const CallCount& call) { return call.name == name; });
    return found == status.calls.end() ? CallCount{} : *found;
  };
  const CallCount put = calls("put"), get = calls("get"), remove = calls("remove");
  const CallCount commit = calls("commit"), exists = calls("exists"), list = calls("list");
  const CallCount match = calls("match_prefix"), join = calls("join"), leave = calls("leave");
  return {
      {"alloc", "Alloc", put.single, put.single_failed},
      {"batch_alloc", "BatchAlloc", put.batches, put.batches_failed},
      {"get", "Get", get.single, get.single_failed},
      {"batch_get", "BatchGet", get.batches, get.batches_failed},
      {"remove", "Remove", remove.single, remove.single_failed},
      {"batch_remove", "BatchRemove", remove.batches, remove.batches_failed},
      {"remove_all", "RemoveAll", 0, 0},
      {"update_state", "UpdateState", commit.single, commit.single_failed},
      {"batch_update_state", "BatchUpdateState", commit.batches, commit.batches_failed},
      {"query", "Query", queries, queries_failed},
      {"batch_query", "BatchQuery", batch_queries, 0},
      {"get_all_keys", "GetAllKeys", list.single + list.batches, 0},
      {"exist_key", "ExistKey", exists.single + match.single,
       exists.single_failed + match.single_failed},
      {"batch_exist_key", "BatchExistKey", exists.batches + match.batches,
       exists.batches_failed + match.batches_failed},
      {"mount", "Mount", join.single, join.single_failed},
      {"unmount", "Unmount", leave.single, 0},
  };
}

/// A label's value between quotes.
std::string label(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '\\' || c == '"') out += '\\';
    if (c == '\n') {
      out += "\\n";
    } else {
      out += c;
    }
  }
  return out;
}

void family(std::string& out, std::string_view name, std::string_view type, std::string_view help) {
  out += cat("# HELP ", name, " ", help, "\n# TYPE ", name, " ", type, "\n");
}

std::vector<std::string> split(std::string_view text) {
  std::vector<std::string> parts;
  while (!text.empty()) {
    const std::size_t comma = std::min(text.find(','), text.size());
    if (comma != 0) parts.emplace_back(text.substr(0, comma));
    text.remove_prefix(std::min(text.size(), comma + 1));
  }
  return parts;
}

constexpr std::string_view kTracerHeader =
    "TIME                NAME                              BEGIN       GOOD_END    BAD_END     "
    "ON_FLY      MIN(us)     MAX(us)     AVG(us)     TOTAL(us)\n";

}  // namespace

Response Rest::answer(const Request& request) {
  const std::string& path = request.path;
  if (path == "/metadata") return metadata(request);
  if (path == "/key" && request.method == "DELETE") return remove_key(request);
  if (path == "/all_keys" && request.method == "DELETE") return remove_all();
  if (path.starts_with("/api/v1/drain_jobs")) return failed("Not supported");
  if (request.method != "GET" && request.method != "HEAD") return {404, "not found\n"};
  if (path == "/" || path == "/livez") return {200, "ok"};
  if (path == "/health") {
    return json({{"status", "ok"},
                 {"role", "unknown"},
                 {"ha_state", "unknown"},
                 {"service_ready", true},
                 {"leader_address", "unknown"},
                 {"view_version", 0}});
  }
  if (path == "/role" || path == "/ha_status") return {200, "unknown"};
  if (path == "/leader") {
    return json({{"present", false}, {"leader_address", "unknown"}, {"view_version", 0}});
  }
  if (path == "/kv_events/status") return json({{"enabled", false}});
  if (path == "/get_all_keys") return all_keys();
  if (path == "/query_key") return query_key(request);
  if (path == "/batch_query_keys") return batch_query_keys(request);
  if (path == "/get_all_segments") return all_segments();
  if (path == "/query_segment") return query_segment(request);
  if (path == "/api/v1/segments/status") return segment_status(request);
  if (path == "/api/v1/capacity/usage") return capacity_usage();
  if (path == "/api/v1/capacity/segment_remaining") return segment_remaining();
  if (path == "/metrics") return metrics();
  if (path == "/metrics/summary") return summary();
  if (path == "/metrics/ptracer" || path == "/api/v1/analysis/alloc_free_latency") {
    return {200, std::string(kTracerHeader)};
  }
  return {404, "not found\n"};
}

// The members of the pool find each other through meta; this keeps what others leave here.
Response Rest::metadata(const Request& request) {
  const std::string* const key = parameter(request, "key");
  if (key == nullptr) return missing("key");
  const std::lock_guard lock(mutex_);
  const auto found = config_store_.find(*key);
  if (request.method == "PUT") {
    const bool fits = found != config_store_.end() || config_store_.size() < kConfigKeysMax;
    if (!fits || request.body.size() > kConfigBytesMax) return failed("Internal server error");
    config_store_.insert_or_assign(*key, request.body);
    return {200, "metadata updated"};
  }
  if (found == config_store_.end()) return failed("Metadata key not found");
  if (request.method == "DELETE") {
    config_store_.erase(found);
    return {200, "metadata deleted"};
  }
  return {200, found->second};
}

Response Rest::all_keys() {
  std::string keys;
  std::string cursor;
  do {
    auto page = client_.list({}, cursor, Limits::kListEntries);
    if (!page) return failed("Internal server error");
    for (const ListEntry& entry : page->entries) keys += entry.key + "\n";
    cursor = std::move(page->cursor);
  } while (!cursor.empty());
  return {200, std::move(keys)};
}

Response Rest::query_key(const Request& request) {
  const std::string* const key = parameter(request, "key");
  if (key == nullptr) return missing("key");
  const std::string_view view = *key;
  const ObjectStat stat = client_.stat_batch({&view, 1}).front();
  {
    const std::lock_guard lock(mutex_);
    ++queries_;
    queries_failed_ += stat.status == Status::kOk ? 0 : 1;
  }
  if (stat.status == Status::kNotFound || stat.status == Status::kInFlight) {
    return failed("Key not found");
  }
  return stat.status == Status::kOk ? json(key_facts(*key, stat)) : failed("Internal server error");
}

Response Rest::batch_query_keys(const Request& request) {
  const std::string* const text = parameter(request, "keys");
  if (text == nullptr) return missing("keys");
  const std::vector<std::string> keys = split(*text);
  const std::vector<std::string_view> views(keys.begin(), keys.end());
  const auto stats = client_.stat_batch(views);
  {
    const std::lock_guard lock(mutex_);
    ++batch_queries_;
  }
  Json data = Json::array();
  for (std::size_t i = 0; i < keys.size(); ++i) data.push_back(key_facts(keys[i], stats[i]));
  return json({{"success", true}, {"data", data}});
}

Response Rest::all_segments() {
  const auto status = client_.status();
  if (!status) return failed("Internal server error");
  std::string names;
  for (const NodeStatus& node : status->nodes) {
    if (is_there(node)) names += segment_of(node) + "\n";
  }
  return {200, std::move(names)};
}

Response Rest::query_segment(const Request& request) {
  const std::string* const name = parameter(request, "segment");
  if (name == nullptr) return missing("segment");
  const auto status = client_.status();
  if (!status) return failed("Internal server error");
  for (const NodeStatus& node : status->nodes) {
    if (is_there(node) && segment_of(node) == *name) return json(named("segment", node));
  }
  return failed("Segment not found");
}

Response Rest::segment_status(const Request& request) {
  const std::string* const name = parameter(request, "segment");
  if (name == nullptr) return missing("segment");
  const auto status = client_.status();
  if (!status) return failed("Internal server error");
  for (const NodeStatus& node : status->nodes) {
    if (!is_there(node) || segment_of(node) != *name) continue;
    return json({{"success", true}, {"segment", *name}, {"status", 1}, {"status_name", "OK"}});
  }
  return failed("Segment not found");
}

Response Rest::capacity_usage() {
  const auto status = client_.status();
  if (!status) return failed("Internal server error");
  return json(
      {{"timestamp", now_seconds()},
       {"data_source_ready", true},
       {"degraded", false},
       {"npu", usage(0, 0)},
       {"cpu", usage(status->capacity_bytes, status->capacity_bytes - status->free_bytes)}});
}

Response Rest::segment_remaining() {
  const auto status = client_.status();
  if (!status) return failed("Internal server error");
  Json segments = Json::array();
  for (const NodeStatus& node : status->nodes) {
    if (is_there(node)) segments.push_back(named("segment_name", node));
  }
  return json({{"timestamp", now_seconds()},
               {"data_source_ready", true},
               {"degraded", false},
               {"segments", segments}});
}

Response Rest::metrics() {
  const auto status = client_.status();
  if (!status) return {503, "the metadata does not answer\n"};
  std::unique_lock lock(mutex_);
  const auto all = operations(*status, queries_, queries_failed_, batch_queries_);
  lock.unlock();
  std::string out;
  for (const Operation& operation : all) {
    for (const auto& [what, count] :
         {std::pair{"requests", operation.requests}, std::pair{"failures", operation.failures}}) {
      const std::string name = cat("memcache_", operation.name, "_", what, "_total");
      family(out, name, "counter", cat("Total number of ", operation.help, " ", what));
      out += cat(name, " ", count, "\n");
    }
  }
  family(out, "memcache_evict_operations_total", "counter", "Total number of evicted objects");
  out += cat("memcache_evict_operations_total ", status->evictions, "\n");
  family(out, "memcache_stored_keys", "gauge", "Number of stored keys");
  out += cat("memcache_stored_keys ", status->objects, "\n");
  family(out, "memcache_segment_capacity_bytes", "gauge", "Capacity of a segment");
  for (const NodeStatus& node : status->nodes) {
    out += cat("memcache_segment_capacity_bytes{segment=\"", label(segment_of(node)), "\"} ",
               node.capacity_bytes, "\n");
  }
  family(out, "memcache_segment_allocated_bytes", "gauge", "Bytes in use of a segment");
  for (const NodeStatus& node : status->nodes) {
    out += cat("memcache_segment_allocated_bytes{segment=\"", label(segment_of(node)), "\"} ",
               taken(node), "\n");
  }
  family(out, "memcache_total_capacity_bytes", "gauge", "Capacity of the pool");
  out += cat("memcache_total_capacity_bytes{medium=\"hbm\"} 0\n",
             "memcache_total_capacity_bytes{medium=\"dram\"} ", status->capacity_bytes, "\n");
  family(out, "memcache_allocated_bytes", "gauge", "Bytes in use of the pool");
  out += cat("memcache_allocated_bytes{medium=\"hbm\"} 0\n",
             "memcache_allocated_bytes{medium=\"dram\"} ",
             status->capacity_bytes - status->free_bytes, "\n");
  return {200, std::move(out), "text/plain; version=0.0.4"};
}

Response Rest::summary() {
  const auto status = client_.status();
  if (!status) return {503, "the metadata does not answer\n"};
  std::unique_lock lock(mutex_);
  const auto all = operations(*status, queries_, queries_failed_, batch_queries_);
  lock.unlock();
  std::string out = cat("keys=", status->objects, " evict=", status->evictions,
                        " hbm_used=0/0 dram_used=", status->capacity_bytes - status->free_bytes,
                        "/", status->capacity_bytes);
  for (const Operation& operation : all) {
    out += cat(" ", operation.name, "_req=", operation.requests, " ", operation.name,
               "_fail=", operation.failures);
  }
  return {200, out + "\n"};
}

Response Rest::remove_key(const Request& request) {
  const std::string* const key = parameter(request, "key");
  if (key == nullptr) return missing("key");
  const Status status = client_.remove(*key);
  if (status == Status::kNotFound) return failed("Key not found");
  if (status != Status::kOk && status != Status::kPending) return failed("Internal server error");
  return {200, "key deleted"};
}

Response Rest::remove_all() {
  return client_.remove_prefix("") ? Response{200, "all keys deleted"}
                                   : failed("Internal server error");
}

}  // namespace aquifer::compat::memcache
