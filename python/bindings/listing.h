// aquifer.KeyIterator: the keys of a listing, page by page as they are asked for.
#pragma once

#include <nanobind/nanobind.h>

#include <chrono>
#include <cstddef>
#include <string>
#include <string_view>

#include "aquifer/result.h"
#include "aquifer/types.h"

namespace aquifer::python {

namespace nb = nanobind;

class KeyIterator {
 public:
  KeyIterator(nb::object client, std::string_view prefix, const CallOptions& options);

  /// The next key. Raises StopIteration after the last, and when a page cannot be had.
  nb::object next();

  /// True once all pages have been handed out.
  bool complete() const { return complete_; }

 private:
  bool turn_page();

  nb::object client_;
  const std::string prefix_;
  const std::string name_space_;
  const std::chrono::milliseconds timeout_;
  ListPage page_;
  std::size_t next_ = 0;
  bool begun_ = false;
  bool complete_ = false;
};

void bind_key_iterator(nb::module_& module);

}  // namespace aquifer::python
