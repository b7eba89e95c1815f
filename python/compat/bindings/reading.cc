#include "reading.h"

#include <limits>
#include <string>

#include "errors.h"

namespace aquifer::python::memcache {
namespace {

Piece piece_of(std::uint64_t address, std::uint64_t bytes) {
  return {reinterpret_cast<void*>(address), bytes};  // NOLINT(performance-no-int-to-ptr)
}

PyObject* item(const nb::tuple& items, std::size_t index) {
  return PyTuple_GET_ITEM(items.ptr(), static_cast<Py_ssize_t>(index));
}

}  // namespace

std::string_view read_text(PyObject* object, const char* name) {
  if (PyBytes_Check(object)) {
    return {PyBytes_AS_STRING(object), static_cast<std::size_t>(PyBytes_GET_SIZE(object))};
  }
  if (!PyUnicode_Check(object)) raise_wrong_type({name}, "str", object);
  Py_ssize_t size = 0;
  const char* const text = PyUnicode_AsUTF8AndSize(object, &size);
  if (text == nullptr) {
    raise_type_error(std::string(name) + " is not valid Unicode: " + take_message());
  }
  return {text, static_cast<std::size_t>(size)};
}

std::uint64_t read_unsigned(PyObject* object, const char* name) {
  if (!PyIndex_Check(object)) raise_wrong_type({name}, "int", object);
  const nb::object integer = nb::steal(PyNumber_Index(object));
  const std::uint64_t value =
      integer.is_valid() ? PyLong_AsUnsignedLongLong(integer.ptr()) : std::uint64_t{0};
  if (PyErr_Occurred() != nullptr) {
    raise_type_error(std::string(name) + " must be an address or a size: " + take_message());
  }
  return value;
}

int read_int(PyObject* object, const char* name) {
  if (!PyLong_Check(object) && !PyIndex_Check(object)) raise_wrong_type({name}, "int", object);
  const nb::object integer = nb::steal(PyNumber_Index(object));
  const long value = integer.is_valid() ? PyLong_AsLong(integer.ptr()) : 0;
  if (PyErr_Occurred() != nullptr || value < std::numeric_limits<int>::min() ||
      value > std::numeric_limits<int>::max()) {
    PyErr_Clear();
    raise_type_error(std::string(name) + " does not fit an int");
  }
  return static_cast<int>(value);
}

nb::tuple read_list(PyObject* object, const char* name) {
  const bool text = PyUnicode_Check(object) || PyBytes_Check(object);
  if (text || PySequence_Check(object) == 0) raise_wrong_type({name}, "a list", object);
  PyObject* const items = PySequence_Tuple(object);
  if (items == nullptr) raise_type_error(std::string(name) + " cannot be read: " + take_message());
  return nb::steal<nb::tuple>(items);
}

Keys::Keys(nb::handle keys) : objects_(read_list(keys.ptr(), "keys")) {
  keys_.reserve(objects_.size());
  for (std::size_t i = 0; i < objects_.size(); ++i) {
    keys_.push_back(read_text(item(objects_, i), "keys"));
  }
}

std::vector<std::uint64_t> read_unsigned_list(nb::handle numbers, const char* name) {
  const nb::tuple items = read_list(numbers.ptr(), name);
  std::vector<std::uint64_t> values(items.size());
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = read_unsigned(item(items, i), name);
  return values;
}

Memory Memory::flat(nb::handle addresses, nb::handle sizes) {
  const auto begins = read_unsigned_list(addresses, "buffer_ptrs");
  const auto bytes = read_unsigned_list(sizes, "sizes");
  Memory memory;
  memory.addresses_ = begins.size();
  memory.sizes_ = bytes.size();
  if (begins.size() != bytes.size()) return memory;
  for (std::size_t i = 0; i < begins.size(); ++i) {
    memory.pieces_.push_back(piece_of(begins[i], bytes[i]));
    memory.ends_.push_back(memory.pieces_.size());
  }
  return memory;
}

Memory Memory::layers(nb::handle addresses, nb::handle sizes) {
  const nb::tuple all_begins = read_list(addresses.ptr(), "buffer_ptrs");
  const nb::tuple all_bytes = read_list(sizes.ptr(), "sizes");
  Memory memory;
  memory.addresses_ = all_begins.size();
  memory.sizes_ = all_bytes.size();
  if (all_begins.size() != all_bytes.size()) return memory;
  for (std::size_t i = 0; i < all_begins.size(); ++i) {
    const nb::tuple begins = read_list(item(all_begins, i), "buffer_ptrs");
    const nb::tuple bytes = read_list(item(all_bytes, i), "sizes");
    const std::size_t count = begins.size() == bytes.size() ? begins.size() : 0;
    for (std::size_t j = 0; j < count; ++j) {
      memory.pieces_.push_back(piece_of(read_unsigned(item(begins, j), "buffer_ptrs"),
                                        read_unsigned(item(bytes, j), "sizes")));
    }
    memory.ends_.push_back(memory.pieces_.size());
  }
  return memory;
}

template <class P>
std::vector<std::span<const P>> Memory::pieces() const {
  static_assert(sizeof(P) == sizeof(Piece));
  std::vector<std::span<const P>> all;
  all.reserve(ends_.size());
  const auto* const begin = reinterpret_cast<const P*>(pieces_.data());
  std::size_t first = 0;
  for (const std::size_t end : ends_) {
    all.emplace_back(begin + first, end - first);
    first = end;
  }
  return all;
}

template std::vector<std::span<const Piece>> Memory::pieces() const;
template std::vector<std::span<const ConstPiece>> Memory::pieces() const;

}  // namespace aquifer::python::memcache
