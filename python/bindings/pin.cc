// Client.pin and unpin: objects that eviction leaves alone for a time.
#include <vector>

#include "arguments.h"
#include "client.h"
#include "lists.h"
#include "status.h"
#include "values.h"

namespace aquifer::python {
namespace {

nb::object pin_one(Client& self, nb::handle key, std::chrono::milliseconds ttl,
                   nb::handle name_space, nb::handle timeout) {
  const std::string_view name = read_key(key.ptr(), {"key"});
  const CallOptions options = read_call_options(name_space, timeout);
  return status_object(self.call(
      Status::kInternal, [&](aquifer::Client& client) { return client.pin(name, ttl, options); }));
}

nb::object pin_all(Client& self, nb::handle keys, std::chrono::milliseconds ttl,
                   nb::handle name_space, nb::handle timeout) {
  const KeyTable names(keys);
  const CallOptions options = read_call_options(name_space, timeout);
  const auto statuses = self.call(std::vector<Status>{}, [&](aquifer::Client& client) {
    return client.pin_batch(names.span(), ttl, options);
  });
  return make_list(names.size(),
                   [&](std::size_t i) { return status_object(status_at(statuses, i)); });
}

nb::object pin(Client& self, nb::handle key, nb::handle ttl, nb::handle name_space,
               nb::handle timeout) {
  return pin_one(self, key, read_ttl(ttl), name_space, timeout);
}

nb::object pin_batch(Client& self, nb::handle keys, nb::handle ttl, nb::handle name_space,
                     nb::handle timeout) {
  return pin_all(self, keys, read_ttl(ttl), name_space, timeout);
}

nb::object unpin(Client& self, nb::handle key, nb::handle name_space, nb::handle timeout) {
  return pin_one(self, key, {}, name_space, timeout);
}

nb::object unpin_batch(Client& self, nb::handle keys, nb::handle name_space, nb::handle timeout) {
  return pin_all(self, keys, {}, name_space, timeout);
}

}  // namespace

void bind_pin(nb::class_<Client>& type) {
  const auto key = nb::arg("key").none();
  const auto keys = nb::arg("keys").none();
  const auto ttl = nb::arg("ttl").none();
  const auto name_space = nb::arg("namespace") = nb::none();
  const auto timeout = nb::arg("timeout") = nb::none();
  type.def(
      "pin", pin, key, ttl, nb::kw_only(), name_space, timeout,
      "Keeps an object from eviction for `ttl` seconds from now; a later call counts anew. OK,\n"
      "NOT_FOUND, or BUSY when as many bytes are pinned as the pool allows.");
  type.def("pin_batch", pin_batch, keys, ttl, nb::kw_only(), name_space, timeout,
           "pin for many keys: a list of Status.");
  type.def("unpin", unpin, key, nb::kw_only(), name_space, timeout, "Ends the pin of an object.");
  type.def("unpin_batch", unpin_batch, keys, nb::kw_only(), name_space, timeout,
           "unpin for many keys: a list of Status.");
}

}  // namespace aquifer::python
