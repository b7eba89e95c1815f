// What callers pass in: keys, and the memory of values and destinations.
//
// Everything is read before the GIL is let go, and what other threads could change or free
// meanwhile is held: keys by a tuple of their own, buffers by Py_buffer. A small call needs no
// memory from the heap.
#pragma once

#include <nanobind/nanobind.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory_resource>
#include <span>
#include <string_view>
#include <vector>

#include "aquifer/types.h"
#include "errors.h"

namespace aquifer::python {

class Addresses;

/// No sum of a value's lengths can overflow below this, and no memory is as large.
inline constexpr std::uint64_t kLengthMax = std::uint64_t{1} << 48;

/// The bytes of a key: a str's UTF-8 or a bytes object. Valid while `object` is. Raises TypeError
/// for other types, ValueError outside 1 to Limits::kKeyBytes bytes.
std::string_view read_key(PyObject* object, const Place& place);

/// The beginning of keys: as a key, and empty for all of them.
std::string_view read_prefix(nb::handle prefix);

/// What an earlier page of a listing left, or None.
std::string_view read_cursor(nb::handle cursor);

/// A list's elements at this moment, or the tuple itself. Raises TypeError for anything else.
nb::tuple read_sequence(PyObject* object, const Place& place, const char* wanted);

/// As read_sequence, of exactly one element per key: raises ValueError for another count.
nb::tuple read_items(nb::handle objects, std::size_t count, const Place& place);

/// A key, or the empty view for None.
std::string_view read_parent(nb::handle parent);

/// The parents of a batch of puts: for each key None or a key, or None for all of them.
class ParentTable {
 public:
  ParentTable(nb::handle parents, std::size_t count);

  std::string_view operator[](std::size_t index) const {
    return parents_.empty() ? std::string_view() : parents_[index];
  }

 private:
  nb::object objects_;
  std::vector<std::string_view> parents_;
};

/// The keys of a batch, in order.
class KeyTable {
 public:
  /// Raises as read_key, and ValueError for more than Limits::kBatchKeys keys.
  explicit KeyTable(nb::handle keys);

  std::size_t size() const { return keys_.size(); }
  std::string_view operator[](std::size_t index) const { return keys_[index]; }
  std::span<const std::string_view> span() const { return keys_; }

 private:
  nb::tuple objects_;
  std::vector<std::string_view> keys_;
};

/// The memory of values (P = ConstPiece) or destinations (P = Piece), one list of pieces per
/// object. Buffers cannot be resized or freed while it lives, and tensors not freed. Create and
/// destroy with the GIL held.
template <class P>
class PieceTable {
 public:
  PieceTable();
  ~PieceTable();
  PieceTable(const PieceTable&) = delete;
  PieceTable& operator=(const PieceTable&) = delete;

  /// Appends one object: a C-contiguous buffer, a tensor (tensor.h), an (address, length) tuple, or
  /// a list or tuple of these. Pieces without bytes are left out. Raises TypeError and ValueError.
  void add(PyObject* object, const Place& place);

  /// Appends one object per element of a list or tuple, or of Addresses, which must have `count`.
  void add_all(nb::handle objects, std::size_t count, const Place& place);

  /// Raises ValueError when two pieces share a byte: what a get left there would be neither value.
  void require_disjoint(const Place& place) const;

  std::size_t size() const { return ends_.size(); }

  /// The pieces of one object; valid until the next add.
  std::span<const P> operator[](std::size_t index) const;

 private:
  static constexpr bool kWritable = std::is_same_v<P, Piece>;

  void add_addresses(const Addresses& addresses, std::size_t count, const Place& place);
  void add_list(PyObject* object, const Place& place);
  void add_piece(PyObject* object, const Place& place);
  void add_range(PyObject* tuple, const Place& place);
  void add_buffer(PyObject* object, const Place& place);
  void add_tensor(PyObject* object, const Place& place);

  // Enough for eight pieces from four buffers.
  std::array<std::byte, 640> scratch_;
  std::pmr::monotonic_buffer_resource arena_;
  std::pmr::vector<P> pieces_;
  std::pmr::vector<Py_buffer> views_;
  std::pmr::vector<nb::object> tensors_;
  std::pmr::vector<std::size_t> ends_;
};

extern template class PieceTable<Piece>;
extern template class PieceTable<ConstPiece>;

}  // namespace aquifer::python
