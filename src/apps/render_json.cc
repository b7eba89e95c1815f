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

Json bytes_json(const TransportBytes& bytes) { return {{"shm", bytes.shm}, {"tcp", bytes.tcp}}; }

Json node_json(const NodeStatus& node) {
  return {{"name", node.name},
          {"state", node.state},
          {"pid", node.process},
          {"capacity_bytes", node.capacity_bytes},
          {"used_bytes", node.used_bytes},
          {"limbo_bytes", node.limbo_bytes},
          {"read_bytes", bytes_json(node.read_bytes)},
          {"written_bytes", bytes_json(node.written_bytes)}};
}

}  // namespace

std::string error_json(const Error& error) {
  const Json json = {
      {"code", name_of(error.code)}, {"message", error.message}, {"hint", error.hint}};
  return dump({{"error", json}});
}

std::string outcome_json(std::string_view key, Status status, std::optional<std::uint64_t> size) {
  Json json = {{"key", key}, {"status", name_of(status)}};
  if (size) json["size"] = *size;
  return dump(json);
}

std::string stat_json(std::string_view key, const ObjectStat& stat) {
  Json replicas = Json::array();
  for (const ReplicaStat& replica : stat.replicas) replicas.push_back({{"node", replica.node}});
  return dump({{"key", key}, {"size", stat.bytes}, {"replicas", replicas}});
}

std::string status_json(const PoolStatus& status) {
  Json nodes = Json::array();
  for (const NodeStatus& node : status.nodes) nodes.push_back(node_json(node));
  return dump({{"capacity_bytes", status.capacity_bytes},
               {"used_bytes", status.used_bytes},
               {"limbo_bytes", status.limbo_bytes},
               {"objects", status.objects},
               {"evictions", status.evictions},
               {"integrity_failures", status.integrity_failures},
               {"nodes", nodes}});
}

std::string version_json() {
  return dump({{"version", version()}, {"protocol", kProtocolVersion}});
}

}  // namespace aquifer::apps
