// aquifer.Client: the C++ Client behind Python objects.
//
// This class is what all methods share: calls without the GIL, no exception but TypeError and
// ValueError, and an end that is safe in a forked child. The methods are in the files that
// bind_client names.
#pragma once

#include <nanobind/nanobind.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <exception>
#include <memory>
#include <string>
#include <utility>

#include "aquifer/client.h"
#include "gil.h"

namespace aquifer::python {

namespace nb = nanobind;

/// The size that the next value will have at most, guessed from the latest: the largest of them,
/// until many in a row were smaller.
class RoomGuess {
 public:
  std::size_t bytes() const { return bytes_; }

  void learn(std::size_t bytes) {
    if (bytes < bytes_ && ++smaller_ < kPatience) return;
    bytes_ = std::min(bytes, kBytesMax);
    smaller_ = 0;
  }

 private:
  static constexpr int kPatience = 64;
  // A miss pays for the reservation. Above this a second call costs less than one in a hundred of
  // moving the value.
  static constexpr std::size_t kBytesMax = std::size_t{16} << 20;

  std::size_t bytes_ = 4096;
  int smaller_ = 0;
};

class Client {
 public:
  /// `timeout` is the deadline of calls that name none.
  Client(aquifer::Client client, std::chrono::milliseconds timeout);
  Client(Client&&) noexcept = default;
  Client& operator=(Client&&) = delete;
  ~Client();

  /// Calls `work(core client)` without the GIL. Returns its result; or `fallback` when it threw,
  /// which last_error() then tells.
  template <class T, class F>
  T call(T fallback, F&& work) {
    try {
      const WithoutGil released;
      return std::forward<F>(work)(*client_);
    } catch (const std::exception& error) {
      note(error.what());
    } catch (...) {
      note("an unknown exception");
    }
    return fallback;
  }

  /// Keeps what went wrong on this side of the border, for last_error().
  void note(const char* message);

  /// What stood in the way last; empty when nothing did.
  std::string last_error() const;

  std::chrono::milliseconds timeout() const { return timeout_; }

  /// The room that a get reserves before it knows the size of its value.
  RoomGuess& room() { return room_; }

 private:
  std::unique_ptr<aquifer::Client> client_;
  std::chrono::milliseconds timeout_;
  RoomGuess room_;
  std::string note_;
};

void bind_client(nb::module_& module);

// Parts of bind_client, each in a file of its own.
void bind_get(nb::class_<Client>& type);
void bind_listing(nb::class_<Client>& type);
void bind_open_put(nb::class_<Client>& type);
void bind_pin(nb::class_<Client>& type);
void bind_put(nb::class_<Client>& type);
void bind_range(nb::class_<Client>& type);
void bind_reports(nb::class_<Client>& type);
void bind_views(nb::class_<Client>& type);

}  // namespace aquifer::python
