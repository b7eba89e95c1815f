#include "addresses.h"

#include <algorithm>
#include <limits>
#include <string>

#include "arguments.h"
#include "errors.h"
#include "memory/touchable.h"
#include "values.h"

namespace aquifer::python {
namespace {

constexpr const char* kDoc =
    "The memory of a batch by numbers: `addresses` and `sizes` (bytes) are lists with one int per\n"
    "object, or with one list of ints per object whose value is the pieces in order. Stands where\n"
    "a batch takes values or buffers; the caller keeps the memory alive during the calls. check:\n"
    "ValueError for what this process cannot touch, such as the memory of a device.";

constexpr const char* kLists = "a list or tuple of ints or of lists of ints";

Place place(const char* name, std::size_t item, std::size_t piece) { return {name, item, piece}; }

std::uint64_t read_unsigned(PyObject* object, const Place& place, std::uint64_t high) {
  std::uint64_t value = 0;
  if (PyLong_Check(object)) {
    value = PyLong_AsUnsignedLongLong(object);
  } else if (PyIndex_Check(object)) {
    const nb::object integer = nb::steal(PyNumber_Index(object));
    value = integer.is_valid() ? PyLong_AsUnsignedLongLong(integer.ptr()) : 0;
  } else {
    raise_wrong_type(place, "int", object);
  }
  const bool out_of_range = PyErr_Occurred() != nullptr;
  PyErr_Clear();
  if (out_of_range || value > high) {
    raise_value_error(place.text() + " must be 0 to " + std::to_string(high));
  }
  return value;
}

void raise_counts(const Place& place, std::size_t sizes, std::size_t addresses) {
  raise_value_error(place.text() + " has " + std::to_string(sizes) + " elements for " +
                    std::to_string(addresses) + " addresses; it must have one for each");
}

bool is_list(PyObject* object) { return PyList_Check(object) || PyTuple_Check(object); }

}  // namespace

Addresses::Addresses(nb::handle addresses, nb::handle sizes, bool check) {
  const nb::tuple all = read_sequence(addresses.ptr(), {"addresses"}, kLists);
  const nb::tuple bytes = read_sequence(sizes.ptr(), {"sizes"}, kLists);
  if (all.size() != bytes.size()) raise_counts({"sizes"}, bytes.size(), all.size());
  pieces_.reserve(all.size());
  ends_.reserve(all.size());
  for (std::size_t i = 0; i < all.size(); ++i) {
    const auto at = static_cast<Py_ssize_t>(i);
    add_object(PyTuple_GET_ITEM(all.ptr(), at), PyTuple_GET_ITEM(bytes.ptr(), at), i);
    ends_.push_back(pieces_.size());
  }
  if (!check) return;
  if (const auto bad = memory::first_untouchable(pieces_)) {
    const std::size_t item = static_cast<std::size_t>(
        std::upper_bound(ends_.begin(), ends_.end(), *bad) - ends_.begin());
    raise_value_error(place("addresses", item, *bad - (item == 0 ? 0 : ends_[item - 1])).text() +
                      " is not memory of this process: of a device, or freed");
  }
}

void Addresses::add_object(PyObject* address, PyObject* size, std::size_t index) {
  if (!is_list(address)) return add(address, size, index, Place::kNone);
  const nb::tuple all = read_sequence(address, place("addresses", index, Place::kNone), kLists);
  const nb::tuple bytes = read_sequence(size, place("sizes", index, Place::kNone), kLists);
  if (all.size() != bytes.size()) {
    raise_counts(place("sizes", index, Place::kNone), bytes.size(), all.size());
  }
  if (all.size() > Limits::kPieces) {
    raise_value_error(place("addresses", index, Place::kNone).text() + " has " +
                      std::to_string(all.size()) + " pieces; an object has at most " +
                      std::to_string(Limits::kPieces));
  }
  pieces_.reserve(pieces_.size() + all.size());
  for (std::size_t i = 0; i < all.size(); ++i) {
    const auto at = static_cast<Py_ssize_t>(i);
    add(PyTuple_GET_ITEM(all.ptr(), at), PyTuple_GET_ITEM(bytes.ptr(), at), index, i);
  }
}

void Addresses::add(PyObject* address, PyObject* size, std::size_t item, std::size_t piece) {
  const std::uint64_t bytes = read_unsigned(size, place("sizes", item, piece), kLengthMax);
  const std::uint64_t begin = read_unsigned(address, place("addresses", item, piece),
                                            std::numeric_limits<std::uint64_t>::max() - bytes);
  if (bytes == 0) return;
  if (begin == 0) raise_value_error(place("addresses", item, piece).text() + " is null");
  void* const pointer = reinterpret_cast<void*>(begin);  // NOLINT(performance-no-int-to-ptr)
  pieces_.push_back({pointer, static_cast<std::size_t>(bytes)});
}

void bind_addresses(nb::module_& module) {
  nb::class_<Addresses> type(module, "Addresses", kDoc);
  type.def(
      "__init__",
      [](Addresses* self, nb::handle addresses, nb::handle sizes, nb::handle check) {
        new (self) Addresses(addresses, sizes, read_flag(check, "check"));
      },
      nb::arg("addresses").none(), nb::arg("sizes").none(), nb::kw_only(),
      nb::arg("check").none() = false);
  type.def("__len__", &Addresses::size);
}

}  // namespace aquifer::python
