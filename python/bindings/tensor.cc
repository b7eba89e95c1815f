#include "tensor.h"

#include <cstdint>
#include <string>

namespace aquifer::python {
namespace {

/// An attribute, or nothing where there is none.
nb::object find(PyObject* object, const char* name) {
  // Interned, because a block has more than a hundred tensors, and a new str would cost as much as
  // the look-up.
  const nb::object key = nb::steal(PyUnicode_InternFromString(name));
  PyObject* found = key.is_valid() ? PyObject_GetAttr(object, key.ptr()) : nullptr;
  if (found == nullptr) PyErr_Clear();
  return nb::steal(found);
}

/// Reads one tensor. Whatever its methods raise is a ValueError that names the place.
class Tensor {
 public:
  Tensor(PyObject* tensor, const Place& place) : tensor_(tensor), place_(place) {}

  /// Raises ValueError for a tensor that is not in the host's memory.
  void require_host() const {
    // torch answers this eight times as fast as the name of the device.
    if (find(tensor_, "is_cpu").ptr() == Py_True) return;
    const std::string device = this->device();
    if (device != "cpu") raise_on_device(place_, ("device " + device).c_str());
  }

  /// The answer of a method that only some kinds of tensor have; false for the others.
  bool says(const char* name) const {
    const nb::object method = find(tensor_, name);
    if (!method.is_valid()) return false;
    const int truth = PyObject_IsTrue(call(method).ptr());
    if (truth < 0) refuse(take_message());
    return truth == 1;
  }

  std::uint64_t address() const { return number(call(find(tensor_, "data_ptr"))); }

  std::uint64_t bytes() const {
    const nb::object bytes = find(tensor_, "nbytes");
    if (bytes.is_valid()) return number(bytes);
    const nb::object elements = find(tensor_, "numel");
    const nb::object size = find(tensor_, "element_size");
    if (!elements.is_valid() || !size.is_valid()) refuse("it does not say its size");
    return number(call(elements)) * number(call(size));
  }

  [[noreturn]] void refuse(const std::string& why) const {
    raise_value_error(place_.text() + " is a tensor that cannot be read: " + why);
  }

 private:
  std::string device() const {
    const nb::object device = find(tensor_, "device");
    const nb::object type = device.is_valid() ? find(device.ptr(), "type") : device;
    if (!type.is_valid()) refuse("it does not say on which device it is");
    return nb::str(type).c_str();
  }

  nb::object call(const nb::object& method) const {
    if (!method.is_valid()) refuse("it has lost a method");
    return checked(PyObject_CallNoArgs(method.ptr()));
  }

  std::uint64_t number(const nb::object& value) const {
    const nb::object integer = checked(PyNumber_Index(value.ptr()));
    const auto number = PyLong_AsUnsignedLongLong(integer.ptr());
    if (PyErr_Occurred()) refuse(take_message());
    return number;
  }

  nb::object checked(PyObject* object) const {
    if (object == nullptr) refuse(take_message());
    return nb::steal(object);
  }

  PyObject* tensor_;
  const Place& place_;
};

}  // namespace

bool is_tensor(PyObject* object) {
  return find(object, "data_ptr").is_valid() && find(object, "is_contiguous").is_valid();
}

bool is_on_device(PyObject* object) { return find(object, "__cuda_array_interface__").is_valid(); }

void raise_on_device(const Place& place, const char* device) {
  raise_value_error(place.text() + " is in the memory of " + device +
                    "; device memory is not supported yet: copy it to the host first");
}

Piece memory_of_tensor(PyObject* object, const Place& place) {
  const Tensor tensor(object, place);
  tensor.require_host();
  if (!tensor.says("is_contiguous")) {
    raise_value_error(place.text() + " must be contiguous: tensor.contiguous() makes it so");
  }
  // Tensors whose memory holds something else than their elements.
  if (tensor.says("is_conj") || tensor.says("is_neg")) {
    raise_value_error(place.text() +
                      " is a lazy conjugate: tensor.resolve_conj().resolve_neg() makes it real");
  }
  const std::uint64_t bytes = tensor.bytes();
  const std::uint64_t address = tensor.address();
  if (bytes > 0 && address == 0) tensor.refuse("it has no memory");
  void* pointer = reinterpret_cast<void*>(address);  // NOLINT(performance-no-int-to-ptr)
  return {pointer, static_cast<std::size_t>(bytes)};
}

}  // namespace aquifer::python
