#include "client.h"

#include <nanobind/stl/string.h>

#include <cstdint>
#include <vector>

#include "arguments.h"
#include "lists.h"
#include "status.h"
#include "values.h"

namespace aquifer::python {
namespace {

constexpr const char* kDoc =
    "A connection to one pool, to be shared by all threads. It connects at the first call.\n"
    "Calls raise TypeError and ValueError for what is wrong with their arguments, and nothing\n"
    "else; a pool in trouble is a Status, None, 0 or False, and last_error() says why.";

void construct(Client* self, nb::handle meta, nb::handle name_space, nb::handle transport,
               nb::handle timeout, nb::handle copy_threads, nb::handle tcp_streams,
               nb::handle zone) {
  ClientOptions options =
      read_client_options({name_space, transport, timeout, copy_threads, tcp_streams, zone});
  options.meta = read_meta(meta);
  auto client = attempt([&] { return aquifer::Client::open(options); });
  if (!client) raise_value_error(client.error().text());
  new (self) Client(std::move(*client), options.timeout);
}

bool exists(Client& self, nb::handle key, nb::handle name_space, nb::handle timeout) {
  const std::string_view name = read_key(key.ptr(), {"key"});
  const CallOptions options = read_call_options(name_space, timeout);
  return self.call(Status::kInternal, [&](aquifer::Client& client) {
    return client.exists(name, options);
  }) == Status::kOk;
}

nb::object exists_batch(Client& self, nb::handle keys, nb::handle name_space, nb::handle timeout) {
  const KeyTable names(keys);
  const CallOptions options = read_call_options(name_space, timeout);
  const auto statuses = self.call(std::vector<Status>{}, [&](aquifer::Client& client) {
    return client.exists_batch(names.span(), options);
  });
  return make_list(names.size(),
                   [&](std::size_t i) { return nb::bool_(status_at(statuses, i) == Status::kOk); });
}

nb::object exists_or_fill_batch(Client& self, nb::handle keys, nb::handle hold,
                                nb::handle name_space, nb::handle timeout) {
  const KeyTable names(keys);
  CallOptions options = read_call_options(name_space, timeout);
  options.fill = read_call_options(nb::none(), hold).timeout;
  const auto found = self.call(std::vector<GetOutcome>{}, [&](aquifer::Client& client) {
    return client.locate_batch(names.span(), options);
  });
  return make_list(names.size(), [&](std::size_t i) {
    const GetOutcome outcome = i < found.size() ? found[i] : GetOutcome{Status::kInternal, 0, {}};
    return nb::make_tuple(status_object(outcome.status),
                          std::chrono::duration<double>(outcome.filling).count());
  });
}

std::size_t match_prefix(Client& self, nb::handle keys, nb::handle name_space, nb::handle timeout) {
  const KeyTable names(keys);
  const CallOptions options = read_call_options(name_space, timeout);
  return self.call(std::size_t{0}, [&](aquifer::Client& client) {
    return client.match_prefix(names.span(), options);
  });
}

nb::object remove(Client& self, nb::handle key, nb::handle name_space, nb::handle timeout) {
  const std::string_view name = read_key(key.ptr(), {"key"});
  const CallOptions options = read_call_options(name_space, timeout);
  return status_object(self.call(
      Status::kInternal, [&](aquifer::Client& client) { return client.remove(name, options); }));
}

nb::object remove_batch(Client& self, nb::handle keys, nb::handle name_space, nb::handle timeout) {
  const KeyTable names(keys);
  const CallOptions options = read_call_options(name_space, timeout);
  const auto statuses = self.call(std::vector<Status>{}, [&](aquifer::Client& client) {
    return client.remove_batch(names.span(), options);
  });
  return make_list(names.size(),
                   [&](std::size_t i) { return status_object(status_at(statuses, i)); });
}

void close(Client& self) {
  self.call(0, [](aquifer::Client& client) {
    client.close();
    return 0;
  });
}

}  // namespace

Client::Client(aquifer::Client client, std::chrono::milliseconds timeout)
    : client_(std::make_unique<aquifer::Client>(std::move(client))), timeout_(timeout) {}

Client::~Client() {
  if (client_ == nullptr) return;
  // Ends the connections. In a forked child the core leaves those of the parent alone.
  const WithoutGil released;
  client_.reset();
}

void Client::note(const char* message) { note_ = message; }

std::string Client::last_error() const {
  const Error error = client_->last_error();
  if (error.code == Status::kOk) return note_;
  return note_.empty() ? error.text() : error.text() + "; " + note_;
}

void bind_client(nb::module_& module) {
  nb::class_<Client> type(module, "Client", nb::is_weak_referenceable(), kDoc);
  // none(): what is wrong with None is for the methods to say, as for any other type.
  const auto key = nb::arg("key").none();
  const auto keys = nb::arg("keys").none();
  const auto name_space = nb::arg("namespace") = nb::none();
  const auto timeout = nb::arg("timeout") = nb::none();

  type.def("__init__", construct, nb::arg("meta") = nb::none(), nb::kw_only(),
           nb::arg("namespace").none() = "default", nb::arg("transport").none() = "auto",
           nb::arg("timeout").none() = 5.0, nb::arg("copy_threads").none() = 1,
           nb::arg("tcp_streams").none() = 2, nb::arg("zone") = nb::none());
  type.def("exists", exists, key, nb::kw_only(), name_space, timeout,
           "Whether the key is in the pool; False too when that cannot be told.");
  type.def("exists_or_fill_batch", exists_or_fill_batch, keys, nb::kw_only(), nb::arg("hold") = 5.0,
           name_space, timeout,
           "A (Status, seconds) for each key. OK: it is there. NOT_FOUND: it is the caller's to "
           "compute and put, for `hold` seconds. IN_FLIGHT: another client has been at it for so "
           "many seconds. The right ends with the put, its time or its holder; it saves work and "
           "promises nothing. Thread-safe.");
  type.def("exists_batch", exists_batch, keys, nb::kw_only(), name_space, timeout,
           "exists for many keys, by one call to meta.");
  type.def("match_prefix", match_prefix, keys, nb::kw_only(), name_space, timeout,
           "How many leading keys exist; 0 too when that cannot be told.");
  type.def(
      "remove", remove, key, nb::kw_only(), name_space, timeout,
      "Removes a key: OK when no get that starts later returns it, PENDING when a node has still\n"
      "to confirm, NOT_FOUND.");
  type.def("remove_batch", remove_batch, keys, nb::kw_only(), name_space, timeout,
           "remove for many keys: a list of Status.");
  bind_put(type);
  bind_open_put(type);
  bind_get(type);
  bind_range(type);
  bind_views(type);
  bind_pin(type);
  bind_listing(type);
  bind_reports(type);
  type.def("last_error", &Client::last_error,
           "The latest trouble that a call of this client met, in words; '' when there was none.");
  type.def("close", close,
           "Ends all connections. Calls in progress return soon, later ones answer CLOSED.");
  type.def("__enter__", [](nb::handle self) { return self; });
  type.def("__exit__", [](Client& self, nb::args) { close(self); });
}

}  // namespace aquifer::python
