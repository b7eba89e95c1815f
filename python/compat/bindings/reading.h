// Arguments of memcache_hybrid's methods. What has the wrong type is a TypeError, as it is with the
// original; everything else is told by a return code, so nothing else is refused here.
#pragma once

#include <nanobind/nanobind.h>

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "aquifer/types.h"

namespace aquifer::python::memcache {

namespace nb = nanobind;

/// A str (its UTF-8) or bytes; valid while the object is.
std::string_view read_text(PyObject* object, const char* name);

/// An int that is not negative.
std::uint64_t read_unsigned(PyObject* object, const char* name);
int read_int(PyObject* object, const char* name);

/// The elements of a sequence at this moment; text is none.
nb::tuple read_list(PyObject* object, const char* name);

/// Keys of a batch, valid while this is.
class Keys {
 public:
  explicit Keys(nb::handle keys);
  std::size_t size() const { return keys_.size(); }
  std::span<const std::string_view> span() const { return keys_; }
  std::string_view operator[](std::size_t index) const { return keys_[index]; }

 private:
  nb::tuple objects_;
  std::vector<std::string_view> keys_;
};

std::vector<std::uint64_t> read_unsigned_list(nb::handle numbers, const char* name);

/// Pieces of memory by parallel lists: one per object, or a list of them per object.
class Memory {
 public:
  static Memory flat(nb::handle addresses, nb::handle sizes);
  static Memory layers(nb::handle addresses, nb::handle sizes);

  /// Objects; all counts are 0 when the lists do not fit together.
  std::size_t addresses() const { return addresses_; }
  std::size_t sizes() const { return sizes_; }

  /// Empty where the lists of one object do not fit together.
  template <class P>
  std::vector<std::span<const P>> pieces() const;

 private:
  std::size_t addresses_ = 0;
  std::size_t sizes_ = 0;
  std::vector<Piece> pieces_;
  std::vector<std::size_t> ends_;
};

}  // namespace aquifer::python::memcache
