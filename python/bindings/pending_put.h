// aquifer.PendingPut: a put that is written range by range.
//
// One that could not be begun is a PendingPut too, and answers why to everything: code that only
// wants the value to be there need not look in between, because EXISTS is a success.
#pragma once

#include <nanobind/nanobind.h>

#include <chrono>
#include <cstdint>
#include <optional>

#include "aquifer/pending_put.h"
#include "aquifer/result.h"
#include "client.h"

namespace aquifer::python {

namespace nb = nanobind;

class PendingPut {
 public:
  /// `client` is kept alive, and with it the pool that it may be in.
  PendingPut(Result<aquifer::PendingPut> begun, std::uint64_t bytes, nb::object client);
  PendingPut(PendingPut&&) noexcept = default;
  PendingPut& operator=(PendingPut&&) = delete;
  ~PendingPut();

  /// OK while the put can be written; then what ended it, or why it could not be begun.
  Status status() const { return status_; }
  bool open() const { return open_; }
  std::uint64_t bytes() const { return bytes_; }

  nb::object write(nb::handle offset, nb::handle value, nb::handle timeout);
  nb::object commit(nb::handle timeout);
  void abort();

 private:
  nb::object client_;
  std::optional<aquifer::PendingPut> put_;
  std::uint64_t bytes_;
  Status status_;
  bool open_;
};

void bind_pending_put(nb::module_& module);

}  // namespace aquifer::python
