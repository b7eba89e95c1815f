// Parts of the extension module memcache_hybrid._pymmc.
#pragma once

#include <nanobind/nanobind.h>

namespace aquifer::python::memcache {

/// LocalConfig, MetaConfig, ReplicateConfig, KeyInfo.
void bind_configs(nanobind::module_& module);

/// DistributedObjectStore.
void bind_store(nanobind::module_& module);

/// What MetaService is made of.
void bind_meta_service(nanobind::module_& module);

}  // namespace aquifer::python::memcache
