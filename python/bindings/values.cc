#include "values.h"

#include <algorithm>
#include <cstring>
#include <functional>
#include <limits>
#include <optional>
#include <string>
#include <utility>

#include "addresses.h"
#include "tensor.h"

namespace aquifer::python {
namespace {

constexpr const char* kPieceForms =
    "a bytes-like object, a tensor, an (address, length) tuple or a list of these";

/// A Python int, or anything that can stand for one: numpy scalars do, arrays do not.
nb::object integer_of(PyObject* object) {
  if (PyLong_Check(object)) return nb::borrow(object);
  if (!PyIndex_Check(object)) return nb::object();
  nb::object integer = nb::steal(PyNumber_Index(object));
  if (!integer.is_valid()) PyErr_Clear();
  return integer;
}

std::optional<std::uint64_t> unsigned_of(const nb::object& integer) {
  const unsigned long long value = PyLong_AsUnsignedLongLong(integer.ptr());
  if (value == std::numeric_limits<unsigned long long>::max() && PyErr_Occurred()) {
    PyErr_Clear();
    return std::nullopt;
  }
  return value;
}

/// True for (int, int): one range of memory, and not a value of two pieces.
bool is_range(PyObject* object) {
  return PyTuple_Check(object) && PyTuple_GET_SIZE(object) == 2 &&
         integer_of(PyTuple_GET_ITEM(object, 0)).is_valid() &&
         integer_of(PyTuple_GET_ITEM(object, 1)).is_valid();
}

void require_count(std::size_t found, std::size_t count, const Place& place) {
  if (found == count) return;
  raise_value_error(place.text() + " has " + std::to_string(found) + " elements for " +
                    std::to_string(count) + " keys; it must have one per key");
}

[[noreturn]] void raise_no_bytes(const Place& place) {
  raise_value_error(place.text() + " has no bytes; a value has at least 1");
}

template <class P>
const std::byte* begin_of(const P& piece) {
  return static_cast<const std::byte*>(piece.address);
}

template <class P>
bool disjoint_and_ascending(const P& left, const P& right) {
  return !std::less<>{}(begin_of(right), begin_of(left) + left.bytes);
}

template <class Pieces>
bool all_disjoint_and_ascending(const Pieces& pieces) {
  for (std::size_t i = 1; i < pieces.size(); ++i) {
    if (!disjoint_and_ascending(pieces[i - 1], pieces[i])) return false;
  }
  return true;
}

}  // namespace

std::string_view read_key(PyObject* object, const Place& place) {
  const char* data = nullptr;
  Py_ssize_t size = 0;
  if (PyUnicode_Check(object)) {
    data = PyUnicode_AsUTF8AndSize(object, &size);
    if (data == nullptr)
      raise_value_error(place.text() + " is not valid Unicode: " + take_message());
  } else if (PyBytes_Check(object)) {
    data = PyBytes_AS_STRING(object);
    size = PyBytes_GET_SIZE(object);
  } else {
    raise_wrong_type(place, "str or bytes", object);
  }
  const std::string_view key(data, static_cast<std::size_t>(size));
  if (key.empty() || key.size() > Limits::kKeyBytes) {
    raise_value_error(place.text() + " has " + std::to_string(key.size()) +
                      " bytes; a key has 1 to " + std::to_string(Limits::kKeyBytes));
  }
  return key;
}

std::string_view read_prefix(nb::handle prefix) {
  const bool empty = (PyUnicode_Check(prefix.ptr()) && PyUnicode_GET_LENGTH(prefix.ptr()) == 0) ||
                     (PyBytes_Check(prefix.ptr()) && PyBytes_GET_SIZE(prefix.ptr()) == 0);
  return empty ? std::string_view() : read_key(prefix.ptr(), {"prefix"});
}

std::string_view read_cursor(nb::handle cursor) {
  if (cursor.is_none()) return {};
  if (!PyBytes_Check(cursor.ptr())) raise_wrong_type({"cursor"}, "bytes", cursor.ptr());
  return {PyBytes_AS_STRING(cursor.ptr()),
          static_cast<std::size_t>(PyBytes_GET_SIZE(cursor.ptr()))};
}

nb::tuple read_sequence(PyObject* object, const Place& place, const char* wanted) {
  if (!PyList_Check(object) && !PyTuple_Check(object)) raise_wrong_type(place, wanted, object);
  PyObject* tuple = PySequence_Tuple(object);
  if (tuple == nullptr) raise_value_error(place.text() + " cannot be read: " + take_message());
  return nb::steal<nb::tuple>(tuple);
}

nb::tuple read_items(nb::handle objects, std::size_t count, const Place& place) {
  nb::tuple items = read_sequence(objects.ptr(), place, "a list or tuple, one element per key");
  require_count(items.size(), count, place);
  return items;
}

std::string_view read_parent(nb::handle parent) {
  return parent.is_none() ? std::string_view() : read_key(parent.ptr(), {"parent"});
}

ParentTable::ParentTable(nb::handle parents, std::size_t count) {
  if (parents.is_none()) return;
  const nb::tuple items = read_items(parents, count, {"parents"});
  objects_ = items;
  parents_.resize(count);
  for (std::size_t i = 0; i < count; ++i) {
    const nb::handle parent = items[i];
    if (!parent.is_none()) parents_[i] = read_key(parent.ptr(), Place{"parents"}.at_item(i));
  }
}

KeyTable::KeyTable(nb::handle keys)
    : objects_(read_sequence(keys.ptr(), {"keys"}, "a list or tuple of str or bytes")) {
  const std::size_t count = objects_.size();
  if (count > Limits::kBatchKeys) {
    raise_value_error("keys has " + std::to_string(count) + " elements; a batch has at most " +
                      std::to_string(Limits::kBatchKeys));
  }
  keys_.reserve(count);
  for (std::size_t i = 0; i < count; ++i) {
    PyObject* key = PyTuple_GET_ITEM(objects_.ptr(), static_cast<Py_ssize_t>(i));
    keys_.push_back(read_key(key, Place{"keys"}.at_item(i)));
  }
}

template <class P>
PieceTable<P>::PieceTable()
    : arena_(scratch_.data(), scratch_.size()),
      pieces_(&arena_),
      views_(&arena_),
      tensors_(&arena_),
      ends_(&arena_) {
  pieces_.reserve(8);
  views_.reserve(4);
  ends_.reserve(4);
}

template <class P>
PieceTable<P>::~PieceTable() {
  for (Py_buffer& view : views_) PyBuffer_Release(&view);
}

template <class P>
void PieceTable<P>::add(PyObject* object, const Place& place) {
  const std::size_t first = pieces_.size();
  const bool list = PyList_Check(object) || (PyTuple_Check(object) && !is_range(object));
  if (list) {
    add_list(object, place);
  } else {
    add_piece(object, place);
  }
  if (pieces_.size() == first) raise_no_bytes(place);
  ends_.push_back(pieces_.size());
}

template <class P>
void PieceTable<P>::add_all(nb::handle objects, std::size_t count, const Place& place) {
  if (nb::isinstance<Addresses>(objects)) {
    return add_addresses(*nb::inst_ptr<Addresses>(objects), count, place);
  }
  const nb::tuple items = read_items(objects, count, place);
  pieces_.reserve(count);
  views_.reserve(count);
  ends_.reserve(count);
  for (std::size_t i = 0; i < count; ++i) {
    add(PyTuple_GET_ITEM(items.ptr(), static_cast<Py_ssize_t>(i)), place.at_item(i));
  }
}

template <class P>
void PieceTable<P>::add_addresses(const Addresses& addresses, std::size_t count,
                                  const Place& place) {
  require_count(addresses.size(), count, place);
  ends_.reserve(count);
  for (std::size_t i = 0; i < count; ++i) {
    const std::span<const Piece> pieces = addresses[i];
    if (pieces.empty()) raise_no_bytes(place.at_item(i));
    for (const Piece& piece : pieces) pieces_.push_back({piece.address, piece.bytes});
    ends_.push_back(pieces_.size());
  }
}

template <class P>
void PieceTable<P>::add_list(PyObject* object, const Place& place) {
  const nb::tuple items = read_sequence(object, place, kPieceForms);
  const std::size_t count = items.size();
  if (count > Limits::kPieces) {
    raise_value_error(place.text() + " has " + std::to_string(count) +
                      " pieces; an object has at most " + std::to_string(Limits::kPieces));
  }
  for (std::size_t i = 0; i < count; ++i) {
    add_piece(PyTuple_GET_ITEM(items.ptr(), static_cast<Py_ssize_t>(i)), place.at_piece(i));
  }
}

template <class P>
void PieceTable<P>::add_piece(PyObject* object, const Place& place) {
  if (is_range(object)) return add_range(object, place);
  if (PyObject_CheckBuffer(object)) return add_buffer(object, place);
  if (is_tensor(object)) return add_tensor(object, place);
  if (is_on_device(object)) raise_on_device(place, "another device");
  raise_wrong_type(place, kPieceForms, object);
}

template <class P>
void PieceTable<P>::add_tensor(PyObject* object, const Place& place) {
  const Piece memory = memory_of_tensor(object, place);
  if (memory.bytes == 0) return;
  tensors_.push_back(nb::borrow(object));
  pieces_.push_back({memory.address, memory.bytes});
}

template <class P>
void PieceTable<P>::add_range(PyObject* tuple, const Place& place) {
  const auto address = unsigned_of(integer_of(PyTuple_GET_ITEM(tuple, 0)));
  const auto length = unsigned_of(integer_of(PyTuple_GET_ITEM(tuple, 1)));
  if (!address) raise_value_error(place.text() + " has an address that is not one of memory");
  if (!length || *length > kLengthMax) {
    raise_value_error(place.text() + " has a length that is negative or larger than any memory");
  }
  if (*length == 0) return;
  if (*address == 0) raise_value_error(place.text() + " has a null address and a length");
  if (*address > std::numeric_limits<std::uint64_t>::max() - *length) {
    raise_value_error(place.text() + " reaches past the end of the address space");
  }
  void* pointer = reinterpret_cast<void*>(*address);  // NOLINT(performance-no-int-to-ptr)
  pieces_.push_back({pointer, static_cast<std::size_t>(*length)});
}

namespace {

// True for arrays of Python objects: their bytes are pointers into this process, and reading over
// them would end it.
bool holds_objects(PyObject* object) {
  if (PyBytes_Check(object) || PyByteArray_Check(object)) return false;
  if (PyMemoryView_Check(object)) {
    const char* const format = PyMemoryView_GET_BUFFER(object)->format;
    return format != nullptr && std::strchr(format, 'O') != nullptr;
  }
  const nb::object type = nb::getattr(object, "dtype", nb::none());
  return nb::cast<bool>(nb::bool_(nb::getattr(type, "hasobject", nb::bool_(false))));
}

}  // namespace

template <class P>
void PieceTable<P>::add_buffer(PyObject* object, const Place& place) {
  if (holds_objects(object)) {
    raise_value_error(place.text() + " holds Python objects, not plain bytes: serialise it first");
  }
  // PyBUF_SIMPLE: plain bytes of any element type. Such a view holds no pointer into itself, so the
  // vector may move it.
  Py_buffer view;
  if (PyObject_GetBuffer(object, &view, kWritable ? PyBUF_WRITABLE : PyBUF_SIMPLE) != 0) {
    raise_value_error(place.text() + " must be " + (kWritable ? "writable and " : "") +
                      "C-contiguous: " + take_message());
  }
  views_.push_back(view);
  if (view.len > 0) pieces_.push_back({view.buf, static_cast<std::size_t>(view.len)});
}

template <class P>
void PieceTable<P>::require_disjoint(const Place& place) const {
  // Pieces mostly come in order of address; only others need sorting.
  if (all_disjoint_and_ascending(pieces_)) return;
  std::vector<P> sorted(pieces_.begin(), pieces_.end());
  std::sort(sorted.begin(), sorted.end(), [](const P& left, const P& right) {
    return std::less<>{}(begin_of(left), begin_of(right));
  });
  if (!all_disjoint_and_ascending(sorted)) {
    raise_value_error(place.text() + " overlap: each byte of memory can take one value only");
  }
}

template <class P>
std::span<const P> PieceTable<P>::operator[](std::size_t index) const {
  const std::size_t begin = index == 0 ? 0 : ends_[index - 1];
  return std::span<const P>(pieces_).subspan(begin, ends_[index] - begin);
}

template class PieceTable<Piece>;
template class PieceTable<ConstPiece>;

}  // namespace aquifer::python
