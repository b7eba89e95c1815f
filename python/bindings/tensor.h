// Tensors in the host's memory, known by their methods and not by their type: torch need not be
// there. What is in a device's memory is told apart, because it has an answer of its own.
#pragma once

#include <nanobind/nanobind.h>

#include "aquifer/types.h"
#include "errors.h"

namespace aquifer::python {

namespace nb = nanobind;

/// Whether an object has the methods of a torch tensor, on whatever device.
bool is_tensor(PyObject* object);

/// Whether an object says by __cuda_array_interface__ that it is in a device's memory.
bool is_on_device(PyObject* object);

/// "PLACE is in the memory of DEVICE, ...".
[[noreturn]] void raise_on_device(const Place& place, const char* device);

/// The bytes of a tensor, which it owns. Raises ValueError when they are not those of its elements
/// in order (another device, not contiguous, a lazy conjugate), or cannot be had.
Piece memory_of_tensor(PyObject* tensor, const Place& place);

}  // namespace aquifer::python
