// aquifer.Addresses: the memory of a batch as parallel lists of numbers, as engines have it.
#pragma once

#include <nanobind/nanobind.h>

#include <cstddef>
#include <span>
#include <vector>

#include "aquifer/types.h"

namespace aquifer::python {

namespace nb = nanobind;

/// One list of pieces per object. Pieces without bytes are left out.
class Addresses {
 public:
  /// Raises TypeError and ValueError.
  Addresses(nb::handle addresses, nb::handle sizes, bool check);

  std::size_t size() const { return ends_.size(); }
  std::span<const Piece> operator[](std::size_t index) const {
    const std::size_t begin = index == 0 ? 0 : ends_[index - 1];
    return std::span<const Piece>(pieces_).subspan(begin, ends_[index] - begin);
  }

 private:
  void add_object(PyObject* address, PyObject* size, std::size_t index);
  void add(PyObject* address, PyObject* size, std::size_t item, std::size_t piece);

  std::vector<Piece> pieces_;
  std::vector<std::size_t> ends_;
};

void bind_addresses(nb::module_& module);

}  // namespace aquifer::python
