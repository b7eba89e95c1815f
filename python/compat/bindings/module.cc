// The extension module memcache_hybrid._pymmc. Importing it only makes the types: no thread, no
// socket, no handler.
#include <nanobind/nanobind.h>

#include "bindings.h"

NB_MODULE(_pymmc, module) {
  nanobind::set_leak_warnings(false);
  aquifer::python::memcache::bind_configs(module);
  aquifer::python::memcache::bind_store(module);
  aquifer::python::memcache::bind_meta_service(module);
  for (const char* type :
       {"DistributedObjectStore", "KeyInfo", "LocalConfig", "MetaConfig", "ReplicateConfig"}) {
    module.attr(type).attr("__module__") = "memcache_hybrid";
  }
}
