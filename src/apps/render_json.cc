#include <nlohmann/json.hpp>

#include "apps/render.h"
#include "aquifer/version.h"

namespace aquifer::apps {
namespace {

using Json = nlohmann::ordered_json;

/// Keys are bytes; where they are no UTF-8, JSON gets the replacement character.
std::string dump(const Json& json) {
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

Json error_object(const Error& error) {
  return {{"code", name_of(error.code)}, {"message", error.message}, {"hint", error.hint}};
}

Json bytes_json(const TransportBytes& bytes) { return {{"shm", bytes.shm}, {"tcp", bytes.tcp}}; }

Json node_json(const NodeStatus& node) {
  return {{"name", node.name},
          {"state", node.state},
          {"pid", node.process},
          {"capacity_bytes", node.capacity_bytes},
          {"free_bytes", node.free_bytes},
          {"used_bytes", node.used_bytes},
          {"limbo_bytes", node.limbo_bytes},
          {"pinned_bytes", node.pinned_bytes},
          {"views", node.views},
          {"read_bytes", bytes_json(node.read_bytes)},
          {"written_bytes", bytes_json(node.written_bytes)}};
}

}  // namespace

std::string error_json(const Error& error) { return dump({{"error", error_object(error)}}); }

std::string listing_json_begin() { return "{\"keys\": ["; }

std::string listing_json_entries(const ListPage& page, bool is_first) {
  std::string text;
  for (const ListEntry& entry : page.entries) {
    text += is_first ? "\n  " : ",\n  ";
    is_first = false;
    text += Json{{"key", entry.key}, {"size", entry.bytes}}.dump(-1, ' ', false,
                                                                 Json::error_handler_t::replace);
  }
  return text;
}

std::string listing_json_end(const Error* error) {
  if (error == nullptr) return "]}\n";
  const std::string text =
      error_object(*error).dump(-1, ' ', false, Json::error_handler_t::replace);
  return "],\n \"error\": " + text + "}\n";
}

std::string outcome_json(std::string_view key, Status status, std::optional<std::uint64_t> size) {
  Json json = {{"key", key}, {"status", name_of(status)}};
  if (size) json["size"] = *size;
  return dump(json);
}

std::string range_json(std::string_view key, std::uint64_t offset, std::uint64_t size) {
  return dump({{"key", key}, {"status", name_of(Status::kOk)}, {"offset", offset}, {"size", size}});
}

std::string pin_json(std::string_view key, std::chrono::milliseconds ttl) {
  return dump({{"key", key}, {"status", name_of(Status::kOk)}, {"ttl_ms", ttl.count()}});
}

std::string removed_json(std::string_view name_space, std::string_view prefix,
                         std::uint64_t removed) {
  return dump({{"namespace", name_space}, {"prefix", prefix}, {"removed", removed}});
}

std::string drain_json(std::string_view node, const DrainProgress& progress) {
  return dump({{"node", node},
               {"gone", progress.gone},
               {"objects", progress.objects},
               {"bytes", progress.bytes},
               {"moved", progress.moved},
               {"given_up", progress.given_up}});
}

std::string stat_json(std::string_view key, const ObjectStat& stat) {
  Json replicas = Json::array();
  for (const ReplicaStat& replica : stat.replicas) replicas.push_back({{"node", replica.node}});
  return dump({{"key", key}, {"size", stat.bytes}, {"replicas", replicas}});
}

std::string status_json(const PoolStatus& status) {
  Json calls = Json::object();
  for (const CallCount& count : status.calls) {
    calls[count.name] = {{"single", count.single},
                         {"single_failed", count.single_failed},
                         {"batches", count.batches},
                         {"batches_failed", count.batches_failed}};
  }
  Json nodes = Json::array();
  for (const NodeStatus& node : status.nodes) nodes.push_back(node_json(node));
  return dump({{"capacity_bytes", status.capacity_bytes},
               {"free_bytes", status.free_bytes},
               {"used_bytes", status.used_bytes},
               {"limbo_bytes", status.limbo_bytes},
               {"pinned_bytes", status.pinned_bytes},
               {"views", status.views},
               {"objects", status.objects},
               {"evictions", status.evictions},
               {"integrity_failures", status.integrity_failures},
               {"replicas_missing", status.replicas_missing},
               {"nodes", nodes},
               {"calls", calls}});
}

std::string version_json() {
  return dump({{"version", version()}, {"protocol", kProtocolVersion}});
}

}  // namespace aquifer::apps
