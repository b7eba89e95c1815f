// aquifer.Pool: a whole pool inside this process.
#pragma once

#include <nanobind/nanobind.h>

namespace aquifer::python {

void bind_pool(nanobind::module_& module);

}  // namespace aquifer::python
