#include "status.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <string>

namespace aquifer::python {
namespace {

constexpr std::array kStatuses{
    Status::kOk,
    Status::kExists,
    Status::kNotFound,
    Status::kBusy,
    Status::kTimeout,
    Status::kUnknown,
    Status::kRecovering,
    Status::kPending,
    Status::kInFlight,
    Status::kUnreachable,
    Status::kNoSpace,
    Status::kClosed,
    Status::kInvalidArgument,
    Status::kTooLarge,
    Status::kTooSmall,
    Status::kNotSupported,
    Status::kVersionMismatch,
    Status::kConflict,
    Status::kDenied,
    Status::kCancelled,
    Status::kIntegrity,
    Status::kInternal,
    Status::kIo,
};

constexpr const char* kDoc =
    "What became of a call. `ok` is True for the two successes, OK and EXISTS, and so is the truth "
    "of a\n"
    "Status, although OK is 0: `if client.put(key, value):` means what it says.";

std::string python_name(Status status) {
  std::string name(name_of(status));
  std::transform(name.begin(), name.end(), name.begin(),
                 [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  return name;
}

}  // namespace

void bind_status(nb::module_& module) {
  nb::enum_<Status> status(module, "Status", nb::is_arithmetic(), kDoc);
  for (const Status value : kStatuses) status.value(python_name(value).c_str(), value);
  status.def("__bool__", [](Status self) { return is_success(self); });
  status.def_prop_ro("ok", [](Status self) { return is_success(self); });
}

nb::object status_object(Status status) {
  const bool known = std::find(kStatuses.begin(), kStatuses.end(), status) != kStatuses.end();
  return nb::cast(known ? status : Status::kInternal);
}

}  // namespace aquifer::python
