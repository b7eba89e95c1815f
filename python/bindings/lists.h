// Answers of batches: always a list of exactly as many elements as there were keys.
#pragma once

#include <nanobind/nanobind.h>

#include <cstddef>
#include <vector>

#include "aquifer/types.h"

namespace aquifer::python {

namespace nb = nanobind;

/// A list of `count` elements, the i-th being element(i).
template <class F>
nb::object make_list(std::size_t count, F&& element) {
  nb::object list = nb::steal(PyList_New(static_cast<Py_ssize_t>(count)));
  if (!list.is_valid()) throw nb::python_error();
  for (std::size_t i = 0; i < count; ++i) {
    PyList_SET_ITEM(list.ptr(), static_cast<Py_ssize_t>(i), nb::object(element(i)).release().ptr());
  }
  return list;
}

/// The i-th status; INTERNAL for one that is not there, because the call failed as a whole.
inline Status status_at(const std::vector<Status>& statuses, std::size_t index) {
  return index < statuses.size() ? statuses[index] : Status::kInternal;
}

/// The i-th outcome; the same.
inline GetOutcome outcome_at(const std::vector<GetOutcome>& outcomes, std::size_t index) {
  return index < outcomes.size() ? outcomes[index] : GetOutcome{Status::kInternal, 0};
}

}  // namespace aquifer::python
