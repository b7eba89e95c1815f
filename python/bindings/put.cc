// Client.put and Client.put_batch.
#include <vector>

#include "arguments.h"
#include "client.h"
#include "lists.h"
#include "status.h"
#include "values.h"

namespace aquifer::python {
namespace {

nb::object put(Client& self, nb::handle key, nb::handle value, nb::handle replicas,
               nb::handle preferred_node, nb::handle name_space, nb::handle timeout) {
  const std::string_view name = read_key(key.ptr(), {"key"});
  const PutOptions options = read_put_options(replicas, preferred_node, name_space, timeout);
  PieceTable<ConstPiece> pieces;
  pieces.add(value.ptr(), {"value"});
  return status_object(self.call(Status::kInternal, [&](aquifer::Client& client) {
    return client.put(name, pieces[0], options);
  }));
}

nb::object put_batch(Client& self, nb::handle keys, nb::handle values, nb::handle replicas,
                     nb::handle preferred_node, nb::handle name_space, nb::handle timeout) {
  const KeyTable names(keys);
  const PutOptions options = read_put_options(replicas, preferred_node, name_space, timeout);
  PieceTable<ConstPiece> pieces;
  pieces.add_all(values, names.size(), {"values"});
  std::vector<PutItem> items(names.size());
  for (std::size_t i = 0; i < items.size(); ++i) items[i] = {names[i], pieces[i]};
  const auto statuses = self.call(std::vector<Status>{}, [&](aquifer::Client& client) {
    return client.put_batch(items, options);
  });
  return make_list(items.size(),
                   [&](std::size_t i) { return status_object(status_at(statuses, i)); });
}

}  // namespace

void bind_put(nb::class_<Client>& type) {
  const auto key = nb::arg("key").none();
  const auto keys = nb::arg("keys").none();
  const auto replicas = nb::arg("replicas").none() = 1;
  const auto preferred_node = nb::arg("preferred_node") = nb::none();
  const auto name_space = nb::arg("namespace") = nb::none();
  const auto timeout = nb::arg("timeout") = nb::none();
  type.def("put", put, key, nb::arg("value").none(), nb::kw_only(), replicas, preferred_node,
           name_space, timeout,
           "Stores a value. EXISTS is a success that moved nothing. After any status but OK,\n"
           "EXISTS and UNKNOWN the value is not in the pool.");
  type.def("put_batch", put_batch, keys, nb::arg("values").none(), nb::kw_only(), replicas,
           preferred_node, name_space, timeout,
           "put for many keys, with at most two calls to meta: a list of Status.");
}

}  // namespace aquifer::python
