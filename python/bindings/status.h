// aquifer.Status: the C++ Status as an IntEnum whose truth says whether the call succeeded.
#pragma once

#include <nanobind/nanobind.h>

#include <cstddef>
#include <span>

#include "aquifer/types.h"

namespace aquifer::python {

namespace nb = nanobind;

void bind_status(nb::module_& module);

/// A status as its Python value. One that this version does not know is INTERNAL.
nb::object status_object(Status status);

}  // namespace aquifer::python
