// Bytes objects that the pool fills, and how the outcomes of gets are said to Python.
#pragma once

#include <nanobind/nanobind.h>

#include <cstddef>
#include <utility>

#include "aquifer/types.h"

namespace aquifer::python {

namespace nb = nanobind;

/// A bytes object under construction: filled without the GIL, seen by nobody else until taken.
class Bytes {
 public:
  Bytes() = default;
  Bytes(Bytes&& other) noexcept : object_(std::exchange(other.object_, nullptr)) {}
  Bytes& operator=(Bytes&& other) noexcept {
    std::swap(object_, other.object_);
    return *this;
  }
  ~Bytes() { Py_XDECREF(object_); }

  /// Makes room for `bytes`; false when there is no memory.
  bool reserve(std::size_t bytes) {
    Py_CLEAR(object_);
    if (bytes > Limits::kValueBytes) return false;
    object_ = PyBytes_FromStringAndSize(nullptr, static_cast<Py_ssize_t>(bytes));
    if (object_ == nullptr) PyErr_Clear();
    return object_ != nullptr;
  }

  Piece piece() const {
    return {PyBytes_AS_STRING(object_), static_cast<std::size_t>(PyBytes_GET_SIZE(object_))};
  }

  /// The finished object, cut to `bytes`; None when there is no memory for that.
  nb::object take(std::size_t bytes) {
    if (piece().bytes != bytes && _PyBytes_Resize(&object_, static_cast<Py_ssize_t>(bytes)) != 0) {
      PyErr_Clear();
      return nb::none();
    }
    return nb::steal(std::exchange(object_, nullptr));
  }

 private:
  PyObject* object_ = nullptr;
};

/// The answer of a get into memory: bytes delivered, 0 for a miss, or the status as a negative
/// number.
inline long long delivered(const GetOutcome& outcome) {
  if (outcome.status == Status::kOk) return static_cast<long long>(outcome.bytes);
  if (outcome.status == Status::kNotFound) return 0;
  return -static_cast<long long>(outcome.status);
}

}  // namespace aquifer::python
