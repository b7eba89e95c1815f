#include "pending_put.h"

#include <utility>
#include <vector>

#include "arguments.h"
#include "lists.h"
#include "status.h"
#include "values.h"

namespace aquifer::python {
namespace {

// What is too large for the pool is its answer (TOO_LARGE), and not an exception.
constexpr std::uint64_t kOpenBytesMax = std::uint64_t{1} << 48;

constexpr const char* kDoc =
    "A put that is written range by range, in any order; nobody sees the object before the\n"
    "commit. True while it can be written. As a context manager it is aborted at the end of the\n"
    "block unless it was committed. One that could not be begun answers its `status` to write\n"
    "and commit: EXISTS, a success, when the key is there already.";

std::chrono::milliseconds optional_timeout(nb::handle timeout) {
  return timeout.is_none() ? std::chrono::milliseconds(0) : read_timeout(timeout);
}

/// Calls the core without the GIL; INTERNAL when it threw.
template <class F>
Status guarded(F&& work) {
  const WithoutGil released;
  try {
    return work();
  } catch (...) {
    return Status::kInternal;
  }
}

using Begun = std::vector<Result<aquifer::PendingPut>>;

Begun begin(Client& self, const std::vector<OpenItem>& items, const PutOptions& options,
            std::chrono::milliseconds lifetime) {
  Begun begun = self.call(Begun{}, [&](aquifer::Client& client) {
    return client.open_put_batch(items, options, lifetime);
  });
  while (begun.size() < items.size()) begun.emplace_back(Error{});
  return begun;
}

nb::object open_put(nb::handle_t<Client> self, nb::handle key, nb::handle size, nb::handle mode,
                    nb::handle lifetime, nb::handle parent, nb::handle replicas,
                    nb::handle preferred_node, nb::handle name_space, nb::handle timeout) {
  const std::string_view name = read_key(key.ptr(), {"key"});
  const std::uint64_t bytes = read_number(size, {"size"}, 1, kOpenBytesMax);
  PutOptions options = read_put_options(replicas, preferred_node, name_space, timeout);
  options.mode = read_mode(mode);
  auto begun = begin(nb::cast<Client&>(self), {{name, bytes, read_parent(parent)}}, options,
                     read_lifetime(lifetime));
  return nb::cast(PendingPut(std::move(begun.front()), bytes, nb::borrow(self)));
}

nb::object open_put_batch(nb::handle_t<Client> self, nb::handle keys, nb::handle sizes,
                          nb::handle mode, nb::handle lifetime, nb::handle parents,
                          nb::handle replicas, nb::handle preferred_node, nb::handle name_space,
                          nb::handle timeout) {
  const KeyTable names(keys);
  const auto bytes = read_numbers(sizes, names.size(), "sizes", 1, kOpenBytesMax);
  const ParentTable continued(parents, names.size());
  PutOptions options = read_put_options(replicas, preferred_node, name_space, timeout);
  options.mode = read_mode(mode);
  std::vector<OpenItem> items(names.size());
  for (std::size_t i = 0; i < items.size(); ++i) items[i] = {names[i], bytes[i], continued[i]};
  auto begun = begin(nb::cast<Client&>(self), items, options, read_lifetime(lifetime));
  return make_list(items.size(), [&](std::size_t i) {
    return nb::cast(PendingPut(std::move(begun[i]), bytes[i], nb::borrow(self)));
  });
}

}  // namespace

PendingPut::PendingPut(Result<aquifer::PendingPut> begun, std::uint64_t bytes, nb::object client)
    : client_(std::move(client)), bytes_(bytes), status_(begun.code()), open_(begun.ok()) {
  if (begun) put_.emplace(*std::move(begun));
}

PendingPut::~PendingPut() {
  if (!put_) return;
  // An open one is aborted. In a forked child the core leaves it to the parent.
  const WithoutGil released;
  put_.reset();
}

nb::object PendingPut::write(nb::handle offset, nb::handle value, nb::handle timeout) {
  const std::uint64_t begin = read_number(offset, {"offset"}, 0, kOpenBytesMax);
  const std::chrono::milliseconds deadline = optional_timeout(timeout);
  PieceTable<ConstPiece> pieces;
  pieces.add(value.ptr(), {"value"});
  if (!put_) return status_object(status_);
  if (!open_) return status_object(Status::kCancelled);
  return status_object(guarded([&] { return put_->write(begin, pieces[0], deadline); }));
}

nb::object PendingPut::commit(nb::handle timeout) {
  const std::chrono::milliseconds deadline = optional_timeout(timeout);
  if (!open_) return status_object(status_);
  const Status status = guarded([&] { return put_->commit(deadline); });
  // Bytes are missing or being written: the caller may write on.
  if (status == Status::kInvalidArgument) return status_object(status);
  status_ = status;
  open_ = false;
  return status_object(status);
}

void PendingPut::abort() {
  if (!open_) return;
  status_ = Status::kCancelled;
  open_ = false;
  guarded([&] {
    put_->abort();
    return Status::kOk;
  });
}

void bind_open_put(nb::class_<Client>& type) {
  const auto mode = nb::arg("mode").none() = "keep";
  const auto lifetime = nb::arg("lifetime").none() = 60.0;
  const auto replicas = nb::arg("replicas").none() = 1;
  const auto preferred_node = nb::arg("preferred_node") = nb::none();
  const auto name_space = nb::arg("namespace") = nb::none();
  const auto timeout = nb::arg("timeout") = nb::none();
  type.def(
      "open_put", open_put, nb::arg("key").none(), nb::arg("size").none(), nb::kw_only(), mode,
      lifetime, nb::arg("parent") = nb::none(), replicas, preferred_node, name_space, timeout,
      "Begins a put whose value of `size` bytes is written later, range by range; it is given\n"
      "up when it has not been committed within `lifetime` seconds. Always a PendingPut, whose\n"
      "truth and status say whether there is anything to write.");
  type.def("open_put_batch", open_put_batch, nb::arg("keys").none(), nb::arg("sizes").none(),
           nb::kw_only(), mode, lifetime, nb::arg("parents") = nb::none(), replicas, preferred_node,
           name_space, timeout,
           "open_put for many keys, with one call to meta: a list of PendingPut.");
}

void bind_pending_put(nb::module_& module) {
  nb::class_<PendingPut> type(module, "PendingPut", nb::is_weak_referenceable(), kDoc);
  const auto timeout = nb::arg("timeout") = nb::none();
  type.def(
      "write", &PendingPut::write, nb::arg("offset").none(), nb::arg("value").none(), nb::kw_only(),
      timeout,
      "Writes a value at `offset`. Each byte is written once: what overlaps an earlier range\n"
      "or the end is INVALID_ARGUMENT and changes nothing. After any other failure the put can\n"
      "only be aborted. Threads may write at a time.");
  type.def(
      "commit", &PendingPut::commit, nb::kw_only(), timeout,
      "Makes the object visible, and answers as put. INVALID_ARGUMENT while bytes are missing\n"
      "or being written; the put stays open then.");
  type.def("abort", &PendingPut::abort, "Gives the put up; what was written is gone. Repeatable.");
  type.def_prop_ro("size", &PendingPut::bytes, "The size of the value, in bytes.");
  type.def_prop_ro(
      "status", [](const PendingPut& self) { return status_object(self.status()); },
      "OK while it can be written; then what ended it, or why it could not be begun.");
  type.def("__bool__", &PendingPut::open);
  type.def("__enter__", [](nb::handle self) { return self; });
  type.def("__exit__", [](PendingPut& self, nb::args) { self.abort(); });
}

}  // namespace aquifer::python
