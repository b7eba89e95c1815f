// The extension module aquifer._aquifer. Importing it only makes the types: no thread, no socket,
// no handler.
#include <nanobind/nanobind.h>

#include <string>

#include "addresses.h"
#include "aquifer/version.h"
#include "client.h"
#include "listing.h"
#include "pending_put.h"
#include "pool.h"
#include "servers.h"
#include "status.h"
#include "view.h"

NB_MODULE(_aquifer, module) {
  // An interpreter that ends while clients are alive is ordinary, and nothing of ours prints.
  nanobind::set_leak_warnings(false);
  aquifer::python::bind_status(module);
  aquifer::python::bind_client(module);
  aquifer::python::bind_pending_put(module);
  aquifer::python::bind_view(module);
  aquifer::python::bind_key_iterator(module);
  aquifer::python::bind_addresses(module);
  aquifer::python::bind_pool(module);
  aquifer::python::bind_servers(module);
  const std::string version(aquifer::version());
  module.attr("__version__") = version.c_str();
  // Where users find them; pickles of a Status name it too.
  for (const char* type : {"Status", "Client", "PendingPut", "View", "KeyIterator", "Pool", "Meta",
                           "Node", "Addresses"}) {
    module.attr(type).attr("__module__") = "aquifer";
  }
}
