// Client.put, put_if_absent, replace and their batches: one call of the core in three modes.
#include <vector>

#include "arguments.h"
#include "client.h"
#include "lists.h"
#include "status.h"
#include "values.h"

namespace aquifer::python {
namespace {

template <PutMode mode>
nb::object put(Client& self, nb::handle key, nb::handle value, nb::handle parent,
               nb::handle replicas, nb::handle preferred_node, nb::handle name_space,
               nb::handle timeout) {
  const std::string_view name = read_key(key.ptr(), {"key"});
  const std::string_view continued = read_parent(parent);
  PutOptions options = read_put_options(replicas, preferred_node, name_space, timeout);
  options.mode = mode;
  PieceTable<ConstPiece> pieces;
  pieces.add(value.ptr(), {"value"});
  const PutItem item{name, pieces[0], continued};
  return status_object(self.call(Status::kInternal, [&](aquifer::Client& client) {
    return client.put_batch({&item, 1}, options).front();
  }));
}

template <PutMode mode>
nb::object put_batch(Client& self, nb::handle keys, nb::handle values, nb::handle parents,
                     nb::handle group, nb::handle replicas, nb::handle preferred_node,
                     nb::handle name_space, nb::handle timeout) {
  const KeyTable names(keys);
  const ParentTable continued(parents, names.size());
  PutOptions options = read_put_options(replicas, preferred_node, name_space, timeout);
  options.mode = mode;
  options.group = read_flag(group, "group");
  PieceTable<ConstPiece> pieces;
  pieces.add_all(values, names.size(), {"values"});
  std::vector<PutItem> items(names.size());
  for (std::size_t i = 0; i < items.size(); ++i) items[i] = {names[i], pieces[i], continued[i]};
  const auto statuses = self.call(std::vector<Status>{}, [&](aquifer::Client& client) {
    return client.put_batch(items, options);
  });
  return make_list(items.size(),
                   [&](std::size_t i) { return status_object(status_at(statuses, i)); });
}

/// The two methods of one mode, with the same arguments in each.
template <PutMode mode>
void bind_mode(nb::class_<Client>& type, const char* name, const char* doc, const char* batch_name,
               const char* batch_doc) {
  const auto replicas = nb::arg("replicas").none() = 1;
  const auto preferred_node = nb::arg("preferred_node") = nb::none();
  const auto name_space = nb::arg("namespace") = nb::none();
  const auto timeout = nb::arg("timeout") = nb::none();
  type.def(name, put<mode>, nb::arg("key").none(), nb::arg("value").none(), nb::kw_only(),
           nb::arg("parent") = nb::none(), replicas, preferred_node, name_space, timeout, doc);
  type.def(batch_name, put_batch<mode>, nb::arg("keys").none(), nb::arg("values").none(),
           nb::kw_only(), nb::arg("parents") = nb::none(), nb::arg("group").none() = false,
           replicas, preferred_node, name_space, timeout, batch_doc);
}

}  // namespace

void bind_put(nb::class_<Client>& type) {
  bind_mode<PutMode::kKeep>(
      type, "put",
      "Stores a value. EXISTS is a success that moved nothing. After any status but OK,\n"
      "EXISTS and UNKNOWN the value is not in the pool.",
      "put_batch",
      "put for many keys, with at most two calls to meta: a list of Status. group=True: all "
      "become\n"
      "visible together, or none does; when one cannot be put, its status says why and the others\n"
      "are CANCELLED. The keys of a group are distinct.");
  bind_mode<PutMode::kIfAbsent>(
      type, "put_if_absent",
      "put, unless another put of the key is open: that is IN_FLIGHT, at once.",
      "put_if_absent_batch", "put_if_absent for many keys: a list of Status.");
  bind_mode<PutMode::kReplace>(
      type, "replace",
      "put, in the place of the value that is there, if any. OK: every get that starts later\n"
      "returns the new value. PENDING: stored, but a node has still to confirm that the old one "
      "is\n"
      "gone. Otherwise the old value is as it was.",
      "replace_batch", "replace for many keys: a list of Status.");
}

}  // namespace aquifer::python
