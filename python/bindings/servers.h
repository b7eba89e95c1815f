#pragma once

#include <nanobind/nanobind.h>

namespace aquifer::python {

/// aquifer.Meta and aquifer.Node: the parts of a pool as servers inside this process.
void bind_servers(nanobind::module_& module);

}  // namespace aquifer::python
