// The keyword arguments of calls and constructors, checked and turned into the options of the C++
// API.
//
// Taken as plain handles, because a value that does not fit the C++ type has to be a ValueError
// that names the range, where automatic conversion would say only that no overload matches.
#pragma once

#include <nanobind/nanobind.h>

#include <chrono>
#include <cstdint>
#include <string>

#include "aquifer/types.h"

namespace aquifer::python {

namespace nb = nanobind;

/// `namespace=` and `timeout=` of a call; None leaves both to the client. Holds views into
/// `name_space`.
CallOptions read_call_options(nb::handle name_space, nb::handle timeout);

/// As read_call_options, with `replicas=` and `preferred_node=`.
PutOptions read_put_options(nb::handle replicas, nb::handle preferred_node, nb::handle name_space,
                            nb::handle timeout);

/// Keyword arguments of a client, as given.
struct ClientArguments {
  nb::handle name_space;
  nb::handle transport;
  nb::handle timeout;
  nb::handle copy_threads;
  nb::handle tcp_streams;
};

/// All but the address of meta.
ClientOptions read_client_options(const ClientArguments& arguments);

/// The address of meta: `meta`, or AQUIFER_META of the environment, or the default.
std::string read_meta(nb::handle meta);

/// A size in bytes: an int, or text such as "1.5GiB".
std::uint64_t read_size(nb::handle size, const char* name);

}  // namespace aquifer::python
