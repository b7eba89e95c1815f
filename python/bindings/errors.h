// The two exceptions that callers may see, and how a message names the argument at fault.
#pragma once

#include <nanobind/nanobind.h>

#include <cstddef>
#include <string>

namespace aquifer::python {

namespace nb = nanobind;

/// An argument, or one element of it: "key", "values[3]", "buffers[3][7]". A plain value made for
/// every argument; the text is only put together when something is wrong.
struct Place {
  static constexpr std::size_t kNone = static_cast<std::size_t>(-1);

  const char* name;
  std::size_t item = kNone;
  std::size_t piece = kNone;

  Place at_item(std::size_t index) const { return {name, index, kNone}; }
  Place at_piece(std::size_t index) const { return {name, item, index}; }

  std::string text() const {
    std::string text = name;
    if (item != kNone) text += "[" + std::to_string(item) + "]";
    if (piece != kNone) text += "[" + std::to_string(piece) + "]";
    return text;
  }
};

/// The text of the Python error that is set, which is cleared.
inline std::string take_message() {
  nb::python_error error;
  return nb::str(error.value()).c_str();
}

[[noreturn]] inline void raise_type_error(const std::string& message) {
  throw nb::type_error(message.c_str());
}

[[noreturn]] inline void raise_value_error(const std::string& message) {
  throw nb::value_error(message.c_str());
}

/// "PLACE must be WANTED, not TYPE".
[[noreturn]] inline void raise_wrong_type(const Place& place, const char* wanted, PyObject* found) {
  raise_type_error(place.text() + " must be " + wanted + ", not " + Py_TYPE(found)->tp_name);
}

}  // namespace aquifer::python
