// aquifer.View: a value looked at in place, as read-only memoryviews.
//
// A memoryview keeps what it shows: the core's view ends with the last of the View and everything
// made from its pieces. Releasing a View therefore never takes memory away from under a reader.
#pragma once

#include <nanobind/nanobind.h>

#include <cstddef>
#include <memory>

#include "aquifer/types.h"
#include "aquifer/view.h"

namespace aquifer::python {

namespace nb = nanobind;

/// The core's view, shared by a View and the memoryviews of its pieces.
class ShownValue;

class View {
 public:
  /// `client` is kept alive, and with it the pool that it may be in.
  View(aquifer::View view, nb::object client);

  /// False once it has been released.
  bool shows() const { return shown_ != nullptr; }

  // These raise ValueError on a released view, and in a forked child.
  nb::object pieces() const;
  nb::object to_bytes() const;
  std::size_t bytes() const;
  bool is_copy() const;
  Status verify() const;

  void release() { shown_.reset(); }

 private:
  const ShownValue& shown() const;

  std::shared_ptr<const ShownValue> shown_;
};

void bind_view(nb::module_& module);

}  // namespace aquifer::python
