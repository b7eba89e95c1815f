// Client.stat, status and counters: what the pool and the client say of themselves, as plain dicts
// with the names of the command line's JSON.
#include <nanobind/stl/string.h>

#include "arguments.h"
#include "client.h"
#include "values.h"

namespace aquifer::python {
namespace {

nb::dict dict_of(const TransportBytes& bytes) {
  nb::dict dict;
  dict["shm"] = bytes.shm;
  dict["tcp"] = bytes.tcp;
  return dict;
}

nb::dict dict_of(const NodeStatus& node) {
  nb::dict dict;
  dict["name"] = node.name;
  dict["state"] = node.state;
  dict["process"] = node.process;
  dict["capacity_bytes"] = node.capacity_bytes;
  dict["free_bytes"] = node.free_bytes;
  dict["used_bytes"] = node.used_bytes;
  dict["limbo_bytes"] = node.limbo_bytes;
  dict["pinned_bytes"] = node.pinned_bytes;
  dict["views"] = node.views;
  dict["read_bytes"] = dict_of(node.read_bytes);
  dict["written_bytes"] = dict_of(node.written_bytes);
  return dict;
}

nb::dict dict_of(const DrainProgress& progress) {
  nb::dict dict;
  dict["gone"] = progress.gone;
  dict["objects"] = progress.objects;
  dict["bytes"] = progress.bytes;
  dict["moved"] = progress.moved;
  dict["given_up"] = progress.given_up;
  return dict;
}

nb::dict dict_of(const CallCount& count) {
  nb::dict dict;
  dict["single"] = count.single;
  dict["single_failed"] = count.single_failed;
  dict["batches"] = count.batches;
  dict["batches_failed"] = count.batches_failed;
  return dict;
}

nb::dict dict_of(const PoolStatus& pool) {
  nb::list nodes;
  for (const NodeStatus& node : pool.nodes) nodes.append(dict_of(node));
  nb::dict dict;
  dict["capacity_bytes"] = pool.capacity_bytes;
  dict["free_bytes"] = pool.free_bytes;
  dict["used_bytes"] = pool.used_bytes;
  dict["limbo_bytes"] = pool.limbo_bytes;
  dict["pinned_bytes"] = pool.pinned_bytes;
  dict["views"] = pool.views;
  dict["objects"] = pool.objects;
  dict["evictions"] = pool.evictions;
  dict["integrity_failures"] = pool.integrity_failures;
  dict["replicas_missing"] = pool.replicas_missing;
  dict["nodes"] = nodes;
  nb::dict calls;
  for (const CallCount& count : pool.calls) calls[count.name.c_str()] = dict_of(count);
  dict["calls"] = calls;
  return dict;
}

nb::object stat(Client& self, nb::handle key, nb::handle name_space, nb::handle timeout) {
  const std::string_view name = read_key(key.ptr(), {"key"});
  const CallOptions options = read_call_options(name_space, timeout);
  const auto stat = self.call(Result<ObjectStat>(Error{}),
                              [&](aquifer::Client& client) { return client.stat(name, options); });
  if (!stat || stat->status != Status::kOk) return nb::none();
  nb::list replicas;
  for (const ReplicaStat& replica : stat->replicas) {
    nb::dict where;
    where["node"] = replica.node;
    replicas.append(where);
  }
  nb::dict dict;
  dict["key"] = key;
  dict["size"] = stat->bytes;
  dict["replicas"] = replicas;
  return dict;
}

nb::dict drain(Client& self, nb::handle node, nb::handle cancel, nb::handle timeout) {
  const std::string_view name = read_name(node, "node");
  const bool cancels = read_flag(cancel, "cancel");
  const CallOptions options = read_call_options(nb::none(), timeout);
  const auto progress = self.call(Result<DrainProgress>(Error{}), [&](aquifer::Client& client) {
    return client.drain(name, cancels, options);
  });
  return progress ? dict_of(*progress) : nb::dict();
}

nb::dict status(Client& self, nb::handle timeout) {
  const CallOptions options = read_call_options(nb::none(), timeout);
  const auto status = self.call(Result<PoolStatus>(Error{}),
                                [&](aquifer::Client& client) { return client.status(options); });
  return status ? dict_of(*status) : nb::dict();
}

nb::dict counters(Client& self) {
  const auto counters =
      self.call(ClientCounters{}, [](aquifer::Client& client) { return client.counters(); });
  nb::dict dict;
  dict["hits"] = counters.hits;
  dict["misses"] = counters.misses;
  dict["integrity_failures"] = counters.integrity_failures;
  dict["stale_handles"] = counters.stale_handles;
  dict["meta_calls"] = counters.meta_calls;
  dict["breaker_opens"] = counters.breaker_opens;
  dict["read_bytes"] = dict_of(counters.read_bytes);
  dict["written_bytes"] = dict_of(counters.written_bytes);
  return dict;
}

}  // namespace

void bind_reports(nb::class_<Client>& type) {
  const auto timeout = nb::arg("timeout") = nb::none();
  type.def(
      "stat", stat, nb::arg("key").none(), nb::kw_only(), nb::arg("namespace") = nb::none(),
      timeout,
      "Size and places of an object: {key, size, replicas: [{node}]}; None when it is not there.");
  type.def("status", status, nb::kw_only(), timeout,
           "The state of the whole pool; empty when that cannot be told.");
  type.def("drain", drain, nb::arg("node").none(), nb::kw_only(), nb::arg("cancel") = false,
           timeout,
           "Begins to empty a node, or says how far that has come: {gone, objects, bytes, moved,\n"
           "given_up}; empty when that cannot be told. What it holds moves to others, and when it\n"
           "is empty it leaves. cancel=True ends a drain before that.");
  type.def("counters", counters, "What this client has done since it was opened.");
}

}  // namespace aquifer::python
