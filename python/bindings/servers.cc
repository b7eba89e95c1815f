#include "servers.h"

#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <sys/types.h>
#include <unistd.h>

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "aquifer/meta.h"
#include "aquifer/node.h"
#include "arguments.h"
#include "errors.h"
#include "gil.h"

namespace aquifer::python {

namespace nb = nanobind;

namespace {

constexpr const char* kMetaDoc =
    "A MetaService inside this process: it knows where the objects of a pool are. listen: its\n"
    "address, port 0 takes a free one. eviction_high, eviction_low: shares of a node's space, 0 <\n"
    "low < high < 1, at which eviction ahead of need begins and ends; None leaves both to the\n"
    "pool. node_grace, client_grace: seconds of silence after which a node is lost, and the open\n"
    "puts of a client are aborted. ValueError when it cannot be started.";

constexpr const char* kNodeDoc =
    "A LocalService inside this process: gives `dram` of memory to the pool of `meta` (None: the\n"
    "environment's AQUIFER_META), and keeps trying to join it until close(). name: its name in\n"
    "the pool. listen, advertise: address of its data port, and as other hosts reach it. zone:\n"
    "what it shares the fate of. segments: folder for its memory, kept with keep=True; otherwise\n"
    "the memory ends with the process. ValueError when it cannot be started.";

/// Starts, asks and ends a server without the GIL. A forked child has none of its threads and
/// leaves it alone.
template <class S>
class Server {
 public:
  explicit Server(S server) : server_(std::make_unique<S>(std::move(server))), process_(getpid()) {}
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;
  ~Server() {
    if (forked()) {
      static_cast<void>(server_.release());
      return;
    }
    const WithoutGil released;
    server_.reset();
  }

  bool forked() const { return getpid() != process_; }
  S& operator*() { return *server_; }

  std::optional<std::string> failure() const {
    if (forked()) return "this process is a child of the one that started it";
    const WithoutGil released;
    const auto error = server_->wait_failed(std::chrono::milliseconds(0));
    return error ? std::optional(error->text()) : std::nullopt;
  }

  void close() {
    if (forked()) return;
    const WithoutGil released;
    server_->stop();
  }

 private:
  std::unique_ptr<S> server_;
  pid_t process_;
};

/// Makes `self` of what `start` answers.
template <class S, class F>
void construct(Server<S>* self, F&& start) {
  auto server = attempt(std::forward<F>(start));
  if (!server) raise_value_error(server.error().text());
  new (self) Server<S>(std::move(*server));
}

double read_share(nb::handle share, const char* name) {
  if (share.is_none()) return 0;
  const double value = PyFloat_AsDouble(share.ptr());
  if (PyErr_Occurred() != nullptr) {
    PyErr_Clear();
    raise_wrong_type({name}, "float or None", share.ptr());
  }
  if (!(value > 0 && value < 1)) {
    raise_value_error(std::string(name) + " must be a share between 0 and 1");
  }
  return value;
}

std::string read_text(nb::handle text, const char* name, const char* otherwise) {
  return text.is_none() ? std::string(otherwise) : std::string(read_name(text, name));
}

void construct_meta(Server<Meta>* self, nb::handle listen, nb::handle high, nb::handle low,
                    nb::handle node_grace, nb::handle client_grace) {
  MetaOptions options;
  options.listen = read_name(listen, "listen");
  options.evict_high = read_share(high, "eviction_high");
  options.evict_low = read_share(low, "eviction_low");
  options.node_grace = read_grace(node_grace, "node_grace");
  options.client_grace = read_grace(client_grace, "client_grace");
  construct(self, [&] { return Meta::start(options); });
}

void construct_node(Server<Node>* self, nb::handle meta, nb::handle dram, nb::handle name,
                    nb::handle listen, nb::handle advertise, nb::handle zone, nb::handle segments,
                    nb::handle keep) {
  NodeOptions options;
  options.meta = read_meta(meta);
  options.dram_bytes = read_size(dram, "dram");
  options.name = read_text(name, "name", "");
  options.listen = read_text(listen, "listen", options.listen.c_str());
  options.advertise = read_text(advertise, "advertise", "");
  options.zone = read_zone(zone);
  options.segments = read_text(segments, "segments", "");
  options.keep = read_flag(keep, "keep");
  construct(self, [&] { return Node::start(options); });
}

/// What both have.
template <class S>
void bind_common(nb::class_<Server<S>>& type) {
  type.def_prop_ro("address", [](Server<S>& self) { return (*self).address(); });
  type.def("failure", &Server<S>::failure,
           "Why it has ended by itself; None while it runs, and after close().");
  type.def("close", &Server<S>::close, "Ends it. Repeatable.");
  type.def("__enter__", [](nb::handle self) { return self; });
  type.def("__exit__", [](Server<S>& self, nb::args) { self.close(); });
}

}  // namespace

void bind_servers(nb::module_& module) {
  nb::class_<Server<Meta>> meta(module, "Meta", nb::is_weak_referenceable(), kMetaDoc);
  meta.def("__init__", construct_meta, nb::arg("listen").none() = "tcp://127.0.0.1:0",
           nb::kw_only(), nb::arg("eviction_high") = nb::none(),
           nb::arg("eviction_low") = nb::none(), nb::arg("node_grace").none() = 5.0,
           nb::arg("client_grace").none() = 1.0);
  bind_common(meta);

  nb::class_<Server<Node>> node(module, "Node", nb::is_weak_referenceable(), kNodeDoc);
  node.def("__init__", construct_node, nb::arg("meta") = nb::none(),
           nb::arg("dram").none() = "1GiB", nb::kw_only(), nb::arg("name") = nb::none(),
           nb::arg("listen") = nb::none(), nb::arg("advertise") = nb::none(),
           nb::arg("zone") = nb::none(), nb::arg("segments") = nb::none(),
           nb::arg("keep").none() = false);
  bind_common(node);
  node.def_prop_ro("name", [](Server<Node>& self) { return (*self).name(); });
  node.def(
      "wait_ready",
      [](Server<Node>& self, nb::handle timeout) {
        const auto time = read_timeout(timeout);
        if (self.forked()) return false;
        const WithoutGil released;
        return (*self).wait_ready(time);
      },
      nb::arg("timeout").none(),
      "Waits up to `timeout` seconds until it has joined and its first memory is there.");
}

}  // namespace aquifer::python
