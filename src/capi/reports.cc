// What is where, and how much of it: one object, the pool, this client.
#include "capi/answer.h"
#include "capi/structs.h"

using namespace aquifer;
using namespace aquifer::capi;

aquifer_status_t aquifer_stat(aquifer_client_t* client, aquifer_text_t key,
                              const aquifer_call_options_t* options, aquifer_object_t** object) {
  if (client != nullptr && !is_text(key)) {
    return refuse_answer(*client, kNullBytes, object);
  }
  return run_answer(client, options, object, [&](const CallOptions& call) -> Result<ObjectStat> {
    auto stat = client->client.stat(view_of(key), call);
    if (stat && stat->status != Status::kOk) {
      return Error{stat->status, {}, {}};
    }
    return stat;
  });
}

std::uint64_t aquifer_object_bytes(const aquifer_object_t* object) {
  return object == nullptr ? 0 : object->stat.bytes;
}

std::size_t aquifer_object_replica_count(const aquifer_object_t* object) {
  return object == nullptr ? 0 : object->stat.replicas.size();
}

const char* aquifer_object_replica_node(const aquifer_object_t* object, std::size_t index) {
  return index < aquifer_object_replica_count(object) ? object->stat.replicas[index].node.c_str()
                                                      : nullptr;
}

void aquifer_object_free(aquifer_object_t* object) { delete object; }

aquifer_status_t aquifer_status(aquifer_client_t* client, const aquifer_call_options_t* options,
                                aquifer_report_t** report) {
  return run_answer(client, options, report,
                    [&](const CallOptions& call) { return client->client.status(call); });
}

aquifer_status_t aquifer_drain(aquifer_client_t* client, aquifer_text_t node, int cancel,
                               const aquifer_call_options_t* options, aquifer_drain_t* drain) {
  return guard(client, [&] {
    const auto call = read(options);
    if (call.refused != nullptr) {
      return client->refuse(*call.refused);
    }
    if (!is_text(node)) {
      return client->refuse(kNullBytes);
    }
    const auto progress = client->client.drain(view_of(node), cancel != 0, call.value);
    const DrainProgress known = progress ? *progress : DrainProgress{};
    const aquifer_drain_t filled{.struct_size = 0,
                                 .gone = known.gone ? 1u : 0u,
                                 .objects = known.objects,
                                 .bytes = known.bytes,
                                 .moved = known.moved,
                                 .given_up = known.given_up};
    if (drain != nullptr && !write_struct(filled, drain)) {
      return client->refuse(kWrongStruct);
    }
    return client->answered(progress.code());
  });
}

aquifer_status_t aquifer_report_pool(const aquifer_report_t* report, aquifer_pool_status_t* pool) {
  if (report == nullptr || pool == nullptr) {
    return AQUIFER_INVALID_ARGUMENT;
  }
  const PoolStatus& status = report->status;
  const aquifer_pool_status_t filled{.struct_size = 0,
                                     .capacity_bytes = status.capacity_bytes,
                                     .free_bytes = status.free_bytes,
                                     .used_bytes = status.used_bytes,
                                     .limbo_bytes = status.limbo_bytes,
                                     .pinned_bytes = status.pinned_bytes,
                                     .views = status.views,
                                     .objects = status.objects,
                                     .evictions = status.evictions,
                                     .integrity_failures = status.integrity_failures,
                                     .replicas_missing = status.replicas_missing};
  return write_struct(filled, pool) ? AQUIFER_OK : AQUIFER_INVALID_ARGUMENT;
}

std::size_t aquifer_report_node_count(const aquifer_report_t* report) {
  return report == nullptr ? 0 : report->status.nodes.size();
}

aquifer_status_t aquifer_report_node(const aquifer_report_t* report, std::size_t index,
                                     aquifer_node_status_t* node) {
  if (index >= aquifer_report_node_count(report) || node == nullptr) {
    return AQUIFER_INVALID_ARGUMENT;
  }
  const NodeStatus& status = report->status.nodes[index];
  const aquifer_node_status_t filled{.struct_size = 0,
                                     .name = status.name.c_str(),
                                     .state = status.state.c_str(),
                                     .process = status.process,
                                     .capacity_bytes = status.capacity_bytes,
                                     .free_bytes = status.free_bytes,
                                     .used_bytes = status.used_bytes,
                                     .limbo_bytes = status.limbo_bytes,
                                     .pinned_bytes = status.pinned_bytes,
                                     .views = status.views,
                                     .read_bytes_shm = status.read_bytes.shm,
                                     .read_bytes_tcp = status.read_bytes.tcp,
                                     .written_bytes_shm = status.written_bytes.shm,
                                     .written_bytes_tcp = status.written_bytes.tcp};
  return write_struct(filled, node) ? AQUIFER_OK : AQUIFER_INVALID_ARGUMENT;
}

void aquifer_report_free(aquifer_report_t* report) { delete report; }

aquifer_status_t aquifer_counters(const aquifer_client_t* client,
                                  aquifer_client_counters_t* counters) {
  return guard(client, [&] {
    if (counters == nullptr) {
      return client->refuse(kNullAnswer);
    }
    const ClientCounters now = client->client.counters();
    const aquifer_client_counters_t filled{.struct_size = 0,
                                           .hits = now.hits,
                                           .misses = now.misses,
                                           .integrity_failures = now.integrity_failures,
                                           .stale_handles = now.stale_handles,
                                           .meta_calls = now.meta_calls,
                                           .read_bytes_shm = now.read_bytes.shm,
                                           .read_bytes_tcp = now.read_bytes.tcp,
                                           .written_bytes_shm = now.written_bytes.shm,
                                           .written_bytes_tcp = now.written_bytes.tcp,
                                           .breaker_opens = now.breaker_opens};
    return write_struct(filled, counters) ? AQUIFER_OK : client->refuse(kWrongAnswerStruct);
  });
}
