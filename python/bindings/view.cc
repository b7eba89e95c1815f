#include "view.h"

#include <sys/types.h>
#include <unistd.h>

#include <cstring>
#include <optional>
#include <utility>
#include <vector>

#include "arguments.h"
#include "client.h"
#include "lists.h"
#include "status.h"
#include "values.h"

namespace aquifer::python {

class ShownValue {
 public:
  ShownValue(aquifer::View view, nb::object client)
      : client_(std::move(client)), view_(std::move(view)), process_(getpid()) {}
  ShownValue(const ShownValue&) = delete;
  ShownValue& operator=(const ShownValue&) = delete;
  ~ShownValue() {
    // In a forked child the core leaves the parent's view alone.
    const WithoutGil released;
    view_.reset();
  }

  const aquifer::View& view() const { return *view_; }
  bool forked() const { return getpid() != process_; }

 private:
  nb::object client_;
  std::optional<aquifer::View> view_;
  pid_t process_;
};

namespace {

constexpr const char* kDoc =
    "A value looked at in place, in memory that a node of this host shares; read-only. What is\n"
    "made from its pieces stays readable for as long as it lives, whatever becomes of the object,\n"
    "the View and the client. True until it is released; a context manager releases it.";

/// What a memoryview of one piece holds on to.
struct ViewPiece {
  std::shared_ptr<const ShownValue> shown;
  ConstPiece piece;
};

int export_piece(PyObject* self, Py_buffer* buffer, int flags) {
  const auto* holder = nb::inst_ptr<ViewPiece>(self);
  // The cast is CPython's way to say it; the buffer is marked as read-only.
  void* address = const_cast<void*>(holder->piece.address);
  return PyBuffer_FillInfo(buffer, self, address, static_cast<Py_ssize_t>(holder->piece.bytes), 1,
                           flags);
}

PyType_Slot kPieceSlots[] = {
    {Py_bf_getbuffer, reinterpret_cast<void*>(export_piece)},
    {0, nullptr},
};

nb::object show(Result<aquifer::View> found, nb::handle client) {
  if (!found) return nb::none();
  return nb::cast(View(*std::move(found), nb::borrow(client)));
}

nb::object view(nb::handle_t<Client> self, nb::handle key, nb::handle name_space,
                nb::handle timeout) {
  const std::string_view name = read_key(key.ptr(), {"key"});
  const CallOptions options = read_call_options(name_space, timeout);
  return show(nb::cast<Client&>(self).call(
                  Result<aquifer::View>(Error{}),
                  [&](aquifer::Client& client) { return client.view(name, options); }),
              self);
}

nb::object view_batch(nb::handle_t<Client> self, nb::handle keys, nb::handle name_space,
                      nb::handle timeout) {
  const KeyTable names(keys);
  const CallOptions options = read_call_options(name_space, timeout);
  using Found = std::vector<Result<aquifer::View>>;
  auto found = nb::cast<Client&>(self).call(
      Found{}, [&](aquifer::Client& client) { return client.view_batch(names.span(), options); });
  while (found.size() < names.size()) found.emplace_back(Error{});
  return make_list(names.size(), [&](std::size_t i) { return show(std::move(found[i]), self); });
}

}  // namespace

View::View(aquifer::View view, nb::object client)
    : shown_(std::make_shared<const ShownValue>(std::move(view), std::move(client))) {}

const ShownValue& View::shown() const {
  if (shown_ == nullptr) raise_value_error("this view has been released");
  if (shown_->forked()) {
    raise_value_error("this view was made before fork(): only the parent can read it");
  }
  return *shown_;
}

nb::object View::pieces() const {
  const auto pieces = shown().view().pieces();
  nb::list views;
  for (const ConstPiece& piece : pieces) {
    const nb::object holder = nb::cast(ViewPiece{shown_, piece});
    PyObject* view = PyMemoryView_FromObject(holder.ptr());
    if (view == nullptr) throw nb::python_error();
    views.append(nb::steal(view));
  }
  return nb::tuple(views);
}

nb::object View::to_bytes() const {
  const std::shared_ptr<const ShownValue> held = shown_;
  const aquifer::View& view = shown().view();
  PyObject* bytes = PyBytes_FromStringAndSize(nullptr, static_cast<Py_ssize_t>(view.bytes()));
  if (bytes == nullptr) throw nb::python_error();
  {
    const WithoutGil released;
    char* to = PyBytes_AS_STRING(bytes);
    for (const ConstPiece& piece : view.pieces()) {
      std::memcpy(to, piece.address, piece.bytes);
      to += piece.bytes;
    }
  }
  return nb::steal(bytes);
}

std::size_t View::bytes() const { return shown().view().bytes(); }

bool View::is_copy() const { return shown().view().is_copy(); }

Status View::verify() const {
  const std::shared_ptr<const ShownValue> held = shown_;
  const aquifer::View& view = shown().view();
  const WithoutGil released;
  try {
    return view.verify();
  } catch (...) {
    return Status::kInternal;
  }
}

void bind_views(nb::class_<Client>& type) {
  const auto name_space = nb::arg("namespace") = nb::none();
  const auto timeout = nb::arg("timeout") = nb::none();
  type.def("view", view, nb::arg("key").none(), nb::kw_only(), name_space, timeout,
           "The value in place, verified, as a View; None on a miss, and when the pool is in\n"
           "trouble. Where the node's memory cannot be mapped, the View is a copy.");
  type.def("view_batch", view_batch, nb::arg("keys").none(), nb::kw_only(), name_space, timeout,
           "view for many keys: a list of View and None.");
}

void bind_view(nb::module_& module) {
  nb::class_<ViewPiece>(module, "_ViewPiece", nb::type_slots(kPieceSlots));
  nb::class_<View> type(module, "View", nb::is_weak_referenceable(), kDoc);
  type.def_prop_ro("pieces", &View::pieces,
                   "The value in order, as a tuple of read-only memoryviews: a few long ones.");
  type.def_prop_ro("is_copy", &View::is_copy, "Whether the bytes are this process's own copy.");
  type.def(
      "verify", [](const View& self) { return status_object(self.verify()); },
      "Checks the bytes against their digests once more: OK or INTEGRITY.");
  type.def("release", &View::release,
           "Lets the value go, as soon as nothing made from its pieces is left. Repeatable.");
  type.def("__len__", &View::bytes);
  type.def("__bytes__", &View::to_bytes);
  type.def("__bool__", &View::shows);
  type.def("__enter__", [](nb::handle self) { return self; });
  type.def("__exit__", [](View& self, nb::args) { self.release(); });
}

}  // namespace aquifer::python
