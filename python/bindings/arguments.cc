#include "arguments.h"

#include <cmath>
#include <string_view>

#include "base/size.h"
#include "errors.h"
#include "values.h"

namespace aquifer::python {
namespace {

constexpr std::chrono::seconds kTimeoutMax{3'600};

/// A str, as a view into it.
std::string_view read_text(nb::handle text, const Place& place) {
  if (!PyUnicode_Check(text.ptr())) raise_wrong_type(place, "str", text.ptr());
  Py_ssize_t size = 0;
  const char* data = PyUnicode_AsUTF8AndSize(text.ptr(), &size);
  if (data == nullptr) {
    PyErr_Clear();
    raise_value_error(place.text() + " is not valid Unicode");
  }
  return {data, static_cast<std::size_t>(size)};
}

std::string_view read_namespace(nb::handle name_space) {
  const std::string_view name = read_text(name_space, {"namespace"});
  if (name.empty() || name.size() > Limits::kNamespaceBytes) {
    raise_value_error("namespace has " + std::to_string(name.size()) +
                      " bytes; a namespace has 1 to " + std::to_string(Limits::kNamespaceBytes));
  }
  if (name.find('\0') != std::string_view::npos) {
    raise_value_error("namespace has a zero byte; only keys may");
  }
  return name;
}

unsigned read_unsigned(nb::handle value, const char* name, unsigned low, unsigned high) {
  return static_cast<unsigned>(read_number(value, {name}, low, high));
}

enum class Zero { kAllowed, kRefused };

/// Seconds as a number. Rounded up, because zero milliseconds have a meaning of their own.
std::chrono::milliseconds read_seconds(nb::handle value, const char* name, Zero zero,
                                       std::chrono::seconds high) {
  if (!PyNumber_Check(value.ptr()) || PyBool_Check(value.ptr())) {
    raise_wrong_type({name}, "a number of seconds", value.ptr());
  }
  const double seconds = PyFloat_AsDouble(value.ptr());
  PyErr_Clear();
  const bool enough = zero == Zero::kAllowed ? seconds >= 0 : seconds > 0;
  if (!enough || !(seconds <= static_cast<double>(high.count()))) {
    raise_value_error(std::string(name) + " must be " +
                      (zero == Zero::kAllowed ? "0 or more" : "more than 0") + " and at most " +
                      std::to_string(high.count()) + " seconds");
  }
  return std::chrono::milliseconds(static_cast<std::int64_t>(std::ceil(seconds * 1000)));
}

Transport read_transport(nb::handle transport) {
  const std::string_view name = read_text(transport, {"transport"});
  if (name == "auto") return Transport::kAuto;
  if (name == "shm") return Transport::kShm;
  if (name == "tcp") return Transport::kTcp;
  raise_value_error("transport must be 'auto', 'shm' or 'tcp', not '" + std::string(name) + "'");
}

}  // namespace

std::string_view read_name(nb::handle text, const char* name) { return read_text(text, {name}); }

bool read_flag(nb::handle flag, const char* name) {
  if (!PyBool_Check(flag.ptr())) {
    raise_wrong_type({name}, "bool", flag.ptr());
  }
  return flag.ptr() == Py_True;
}

std::uint64_t read_number(nb::handle value, const Place& place, std::uint64_t low,
                          std::uint64_t high) {
  if (!PyIndex_Check(value.ptr()) || PyBool_Check(value.ptr())) {
    raise_wrong_type(place, "int", value.ptr());
  }
  const nb::object integer = nb::steal(PyNumber_Index(value.ptr()));
  long long number = -1;
  if (integer.is_valid()) number = PyLong_AsLongLong(integer.ptr());
  PyErr_Clear();
  if (number < 0 || static_cast<std::uint64_t>(number) < low ||
      static_cast<std::uint64_t>(number) > high) {
    raise_value_error(place.text() + " must be " + std::to_string(low) + " to " +
                      std::to_string(high));
  }
  return static_cast<std::uint64_t>(number);
}

std::vector<std::uint64_t> read_numbers(nb::handle values, std::size_t count, const char* name,
                                        std::uint64_t low, std::uint64_t high) {
  const nb::tuple items = read_items(values, count, {name});
  std::vector<std::uint64_t> numbers(count);
  for (std::size_t i = 0; i < count; ++i) {
    numbers[i] = read_number(items[i], Place{name}.at_item(i), low, high);
  }
  return numbers;
}

std::chrono::milliseconds read_timeout(nb::handle timeout) {
  return read_seconds(timeout, "timeout", Zero::kRefused, kTimeoutMax);
}

std::chrono::milliseconds read_ttl(nb::handle ttl) {
  return read_seconds(ttl, "ttl", Zero::kAllowed, Limits::kPinTtl);
}

std::chrono::milliseconds read_lifetime(nb::handle lifetime) {
  return read_seconds(lifetime, "lifetime", Zero::kRefused, Limits::kOpenPutTtl);
}

std::chrono::milliseconds read_grace(nb::handle grace, const char* name) {
  return read_seconds(grace, name, Zero::kRefused, std::chrono::hours(24));
}

PutMode read_mode(nb::handle mode) {
  const std::string_view name = read_text(mode, {"mode"});
  if (name == "keep") return PutMode::kKeep;
  if (name == "if_absent") return PutMode::kIfAbsent;
  if (name == "replace") return PutMode::kReplace;
  raise_value_error("mode must be 'keep', 'if_absent' or 'replace', not '" + std::string(name) +
                    "'");
}

CallOptions read_call_options(nb::handle name_space, nb::handle timeout) {
  CallOptions options;
  if (!name_space.is_none()) options.name_space = read_namespace(name_space);
  if (!timeout.is_none()) options.timeout = read_timeout(timeout);
  return options;
}

PutOptions read_put_options(nb::handle replicas, nb::handle preferred_node, nb::handle name_space,
                            nb::handle timeout) {
  PutOptions options;
  options.replicas = read_unsigned(replicas, "replicas", 1, Limits::kReplicas);
  if (!preferred_node.is_none()) {
    options.preferred_node = read_text(preferred_node, {"preferred_node"});
  }
  options.call = read_call_options(name_space, timeout);
  return options;
}

ClientOptions read_client_options(const ClientArguments& arguments) {
  ClientOptions options;
  options.name_space = read_namespace(arguments.name_space);
  options.transport = read_transport(arguments.transport);
  options.timeout = read_timeout(arguments.timeout);
  options.copy_threads = read_unsigned(arguments.copy_threads, "copy_threads", 1, 64);
  options.tcp_streams = read_unsigned(arguments.tcp_streams, "tcp_streams", 1, 64);
  options.zone = read_zone(arguments.zone);
  return options;
}

std::string read_zone(nb::handle zone) {
  if (!zone.is_none()) return std::string(read_text(zone, {"zone"}));
  const nb::object environment = nb::module_::import_("os").attr("environ");
  const nb::object name = environment.attr("get")("AQUIFER_ZONE", "");
  return std::string(read_text(name, {"AQUIFER_ZONE"}));
}

std::string read_meta(nb::handle meta) {
  if (!meta.is_none()) return std::string(read_text(meta, {"meta"}));
  // os.environ and not getenv: it is what the program sees, and safe beside threads that change it.
  const nb::object environment = nb::module_::import_("os").attr("environ");
  const nb::object address = environment.attr("get")("AQUIFER_META", "");
  const std::string_view text = read_text(address, {"AQUIFER_META"});
  return text.empty() ? ClientOptions{}.meta : std::string(text);
}

std::uint64_t read_size(nb::handle size, const char* name) {
  if (PyUnicode_Check(size.ptr())) {
    const auto bytes = base::parse_size(read_text(size, {name}));
    if (bytes) return *bytes;
    raise_value_error(std::string(name) + " is not a size such as '4GiB', '1.5GB' or '512MiB'");
  }
  if (!PyLong_Check(size.ptr()) || PyBool_Check(size.ptr())) {
    raise_wrong_type({name}, "int or str", size.ptr());
  }
  const long long bytes = PyLong_AsLongLong(size.ptr());
  PyErr_Clear();
  if (bytes <= 0) raise_value_error(std::string(name) + " must be a positive number of bytes");
  return static_cast<std::uint64_t>(bytes);
}

}  // namespace aquifer::python
