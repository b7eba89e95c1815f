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
#include <vector>

#include "aquifer/types.h"
#include "errors.h"

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
  nb::handle zone;
};

/// All but the address of meta.
ClientOptions read_client_options(const ClientArguments& arguments);

/// `zone=`; None: what the environment says.
std::string read_zone(nb::handle zone);

/// A str; a view into it.
std::string_view read_name(nb::handle text, const char* name);

/// True or False, and nothing that counts as one.
bool read_flag(nb::handle flag, const char* name);

/// An int from `low` to `high`, which is below 2^63. bool is an int to Python, and a mistake here.
std::uint64_t read_number(nb::handle value, const Place& place, std::uint64_t low,
                          std::uint64_t high);

/// A list or tuple of `count` such ints.
std::vector<std::uint64_t> read_numbers(nb::handle values, std::size_t count, const char* name,
                                        std::uint64_t low, std::uint64_t high);

/// Seconds: `timeout=` of a call, `ttl` of a pin (0 ends it), `lifetime=` of an open put.
std::chrono::milliseconds read_timeout(nb::handle timeout);
std::chrono::milliseconds read_ttl(nb::handle ttl);
std::chrono::milliseconds read_lifetime(nb::handle lifetime);

/// Seconds that a server waits for something, at most a day.
std::chrono::milliseconds read_grace(nb::handle grace, const char* name);

/// `mode=` of an open put.
PutMode read_mode(nb::handle mode);

/// The address of meta: `meta`, or AQUIFER_META of the environment, or the default.
std::string read_meta(nb::handle meta);

/// A size in bytes: an int, or text such as "1.5GiB".
std::uint64_t read_size(nb::handle size, const char* name);

}  // namespace aquifer::python
