#include "pool.h"

#include "aquifer/pool.h"

#include <nanobind/stl/string.h>
#include <sys/types.h>
#include <unistd.h>

#include <memory>
#include <string>
#include <utility>

#include "arguments.h"
#include "client.h"
#include "errors.h"
#include "gil.h"

namespace aquifer::python {
namespace {

constexpr const char* kDoc =
    "A whole pool inside this process: meta, one node that gives `dram` of memory, and any number "
    "of\n"
    "clients. Other processes of this host join it by `meta`. ValueError when it cannot be "
    "started.";

/// Starts and ends the pool without the GIL. A forked child has none of its threads and leaves it
/// alone.
class Pool {
 public:
  explicit Pool(aquifer::Pool pool)
      : pool_(std::make_unique<aquifer::Pool>(std::move(pool))),
        meta_(pool_->meta_address()),
        process_(getpid()) {}
  Pool(const Pool&) = delete;
  Pool& operator=(const Pool&) = delete;
  ~Pool() {
    if (forked()) {
      static_cast<void>(pool_.release());
      return;
    }
    const WithoutGil released;
    pool_.reset();
  }

  const std::string& meta() const { return meta_; }

  Result<aquifer::Client> open_client(const ClientOptions& options) const {
    return attempt(
        [&] { return forked() ? aquifer::Client::open(options) : pool_->client(options); });
  }

  void close() {
    if (forked()) return;
    const WithoutGil released;
    pool_->close();
  }

 private:
  bool forked() const { return getpid() != process_; }

  std::unique_ptr<aquifer::Pool> pool_;
  std::string meta_;
  pid_t process_;
};

void construct(Pool* self, nb::handle dram) {
  PoolOptions options;
  options.dram_bytes = read_size(dram, "dram");
  auto pool = attempt([&] { return aquifer::Pool::open(options); });
  if (!pool) raise_value_error(pool.error().text());
  new (self) Pool(std::move(*pool));
}

/// A client that answers CLOSED to everything: what a closed pool has to give.
Result<aquifer::Client> closed_client(const ClientOptions& options) {
  return attempt([&] {
    auto client = aquifer::Client::open(options);
    if (client) client->close();
    return client;
  });
}

Client client(const Pool& self, nb::handle name_space, nb::handle transport, nb::handle timeout,
              nb::handle copy_threads, nb::handle tcp_streams, nb::handle zone) {
  ClientOptions options =
      read_client_options({name_space, transport, timeout, copy_threads, tcp_streams, zone});
  options.meta = self.meta();
  auto opened = self.open_client(options);
  if (!opened && opened.code() != Status::kInvalidArgument) opened = closed_client(options);
  if (!opened) raise_value_error(opened.error().text());
  return Client(std::move(*opened), options.timeout);
}

}  // namespace

void bind_pool(nb::module_& module) {
  nb::class_<Pool> type(module, "Pool", nb::is_weak_referenceable(), kDoc);
  type.def("__init__", construct, nb::arg("dram").none() = "1GiB");
  // The client keeps the pool alive: Pool().client() is one that works.
  type.def("client", client, nb::keep_alive<0, 1>(), nb::kw_only(),
           nb::arg("namespace").none() = "default", nb::arg("transport").none() = "auto",
           nb::arg("timeout").none() = 5.0, nb::arg("copy_threads").none() = 1,
           nb::arg("tcp_streams").none() = 2, nb::arg("zone") = nb::none(),
           "A client of this pool. After close() its calls answer CLOSED.");
  type.def_prop_ro("meta", &Pool::meta, "The address of its meta, for clients in other processes.");
  type.def("close", &Pool::close, "Ends the pool and frees its memory. Repeatable.");
  type.def("__enter__", [](nb::handle self) { return self; });
  type.def("__exit__", [](Pool& self, nb::args) { self.close(); });
}

}  // namespace aquifer::python
