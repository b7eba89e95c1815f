// Result<T>: a value or an Error. Exists because std::expected is not in C++20; not a place for
// misses and existing keys, which are ordinary outcomes (Status).
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <variant>

#include "aquifer/types.h"

namespace aquifer {

/// Why a call could not be done: what happened (with the likely cause), and what to do next.
struct Error {
  Status code = Status::kInternal;
  std::string message;
  std::string hint;

  /// "message (hint)", for logs and terminals.
  std::string text() const { return hint.empty() ? message : message + " (" + hint + ")"; }
};

/// A T, or the Error that stood in its way. Movable when T is. Reading the wrong side is a
/// programmer's error (std::bad_variant_access).
template <class T>
class [[nodiscard]] Result {
 public:
  Result(T value)
      : state_(std::in_place_index<0>, std::move(value)) {}  // NOLINT(google-explicit-constructor)
  Result(Error error)
      : state_(std::in_place_index<1>, std::move(error)) {}  // NOLINT(google-explicit-constructor)

  bool ok() const { return state_.index() == 0; }
  explicit operator bool() const { return ok(); }

  T& value() & { return std::get<0>(state_); }
  const T& value() const& { return std::get<0>(state_); }
  T&& value() && { return std::get<0>(std::move(state_)); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }
  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T&& operator*() && { return std::move(*this).value(); }

  const Error& error() const& { return std::get<1>(state_); }
  Error&& error() && { return std::get<1>(std::move(state_)); }
  Status code() const { return ok() ? Status::kOk : error().code; }

 private:
  std::variant<T, Error> state_;
};

/// Success without a value, or an Error.
template <>
class [[nodiscard]] Result<void> {
 public:
  Result() = default;
  Result(Error error) : error_(std::move(error)) {}  // NOLINT(google-explicit-constructor)

  bool ok() const { return !error_.has_value(); }
  explicit operator bool() const { return ok(); }
  const Error& error() const& { return *error_; }
  Error&& error() && { return *std::move(error_); }
  Status code() const { return ok() ? Status::kOk : error_->code; }

 private:
  std::optional<Error> error_;
};

}  // namespace aquifer
