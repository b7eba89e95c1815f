// The one codec of small messages: plain structs that name their fields once,
//
//   struct Lookup { std::string_view name_space; std::vector<std::string_view> keys;
//                   static constexpr auto wire = std::tuple{&Lookup::name_space, &Lookup::keys}; };
//
// Integers are little-endian, strings and lists carry a 32-bit count, structs a 32-bit size, so
// that an older reader skips fields that a newer writer appended (and anyone may read a struct as a
// string, to decode it later or not at all). Encoding is two passes (size,
// then a pointer that moves forward); decoding checks every length before it uses or allocates
// anything. Lists may be spans where they are encoded. Strings are views: into the sender's memory
// when encoding, into the received frame when decoding.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <vector>

#include "base/ids.h"

namespace aquifer::rpc {

static_assert(std::endian::native == std::endian::little,
              "the wire and the segments are little-endian");

template <class T>
concept Scalar = std::is_integral_v<T> || std::is_enum_v<T>;

template <class T>
concept Message = requires {
  T::wire;
};

// Ids travel as their words.
template <class T>
inline constexpr bool kIsWords = false;
template <class Tag>
inline constexpr bool kIsWords<base::Id<Tag>> = true;
template <>
inline constexpr bool kIsWords<base::PutId> = true;
template <>
inline constexpr bool kIsWords<base::GroupPlace> = true;

template <class T>
concept Plain = Scalar<T> || kIsWords<T>;

// Lists of any kind that grow; strings are not lists.
template <class L>
concept Growing = requires(L list) {
  typename L::value_type;
  list.resize(std::size_t{});
}
&&!std::is_convertible_v<L, std::string_view>;

/// A list of plain values where it was received: nothing is copied until one is asked for. The same
/// on the wire as a vector.
template <Plain T>
class PlainList {
 public:
  PlainList() = default;
  PlainList(const char* at, std::size_t size) : at_(at), size_(size) {}
  std::size_t size() const { return size_; }
  /// Requires index < size().
  T operator[](std::size_t index) const {
    T value;
    std::memcpy(static_cast<void*>(&value), at_ + index * sizeof(T), sizeof(T));
    return value;
  }

 private:
  const char* at_ = nullptr;  ///< may not be aligned
  std::size_t size_ = 0;
};

class Sizer {
 public:
  template <Plain T>
  void put(const T&) {
    bytes_ += sizeof(T);
  }
  void put(std::string_view text) { bytes_ += 4 + text.size(); }
  template <Growing L>
  void put(const L& items) {
    put(std::span<const typename L::value_type>(items.data(), items.size()));
  }
  template <class T>
  void put(std::span<const T> items) {
    bytes_ += 4;
    if constexpr (Plain<T>) {
      bytes_ += items.size() * sizeof(T);
    } else {
      for (const T& item : items) {
        put(item);
      }
    }
  }
  template <Message T>
  void put(const T& message) {
    bytes_ += 4;
    std::apply([&](auto... member) { (put(message.*member), ...); }, T::wire);
  }
  std::size_t bytes() const { return bytes_; }

 private:
  std::size_t bytes_ = 0;
};

class Writer {
 public:
  explicit Writer(char* to) : to_(to) {}
  template <Plain T>
  void put(const T& value) {
    raw(&value, sizeof value);
  }
  void put(std::string_view text) {
    put(static_cast<std::uint32_t>(text.size()));
    raw(text.data(), text.size());
  }
  template <Growing L>
  void put(const L& items) {
    put(std::span<const typename L::value_type>(items.data(), items.size()));
  }
  template <class T>
  void put(std::span<const T> items) {
    put(static_cast<std::uint32_t>(items.size()));
    if constexpr (Plain<T>) {
      raw(items.data(), items.size() * sizeof(T));
    } else {
      for (const T& item : items) {
        put(item);
      }
    }
  }
  template <Message T>
  void put(const T& message) {
    char* const size_at = to_;
    to_ += 4;
    std::apply([&](auto... member) { (put(message.*member), ...); }, T::wire);
    const auto bytes = static_cast<std::uint32_t>(to_ - size_at - 4);
    std::memcpy(size_at, &bytes, 4);
  }

 private:
  void raw(const void* from, std::size_t bytes) {
    if (bytes != 0) {
      std::memcpy(to_, from, bytes);
      to_ += bytes;
    }
  }
  char* to_;
};

class Reader {
 public:
  explicit Reader(std::string_view from) : at_(from.data()), end_(from.data() + from.size()) {}
  bool ok() const { return ok_; }

  template <Plain T>
  void get(T& value) {
    if (const char* from = take(sizeof(T))) {
      std::memcpy(static_cast<void*>(&value), from, sizeof(T));
    }
  }
  void get(bool& value) {
    std::uint8_t byte = 0;
    get(byte);
    value = byte != 0;
  }
  void get(std::string_view& text) {
    std::uint32_t bytes = 0;
    get(bytes);
    if (const char* from = take(bytes)) {
      text = {from, bytes};
    }
  }
  void get(std::string& text) {
    std::string_view view;
    get(view);
    text = view;
  }
  template <Growing L>
  void get(L& items) {
    using T = typename L::value_type;
    // Every item is at least this long, so a count that the frame cannot hold allocates nothing.
    constexpr std::size_t kItemBytes = Plain<T> ? sizeof(T) : 4;
    std::uint32_t count = 0;
    get(count);
    if (!ok_ || count > static_cast<std::size_t>(end_ - at_) / kItemBytes) {
      ok_ = false;
      return;
    }
    items.resize(count);
    if constexpr (Plain<T> && !std::is_same_v<T, bool>) {
      if (count != 0) {
        std::memcpy(static_cast<void*>(items.data()), take(count * sizeof(T)), count * sizeof(T));
      }
    } else {
      for (T& item : items) {
        get(item);
      }
    }
  }
  template <class T>
  void get(PlainList<T>& items) {
    std::uint32_t count = 0;
    get(count);
    if (const char* from = take(count * sizeof(T))) {
      items = {from, count};
    }
  }
  template <Message T>
  void get(T& message) {
    std::string_view fields;
    get(fields);
    if (ok_) {
      ok_ = decode_fields(fields, message);
    }
  }
  /// A struct without its size: what a string field holds that a struct was written to.
  template <Message T>
  static bool decode_fields(std::string_view fields, T& message) {
    Reader inner(fields);
    std::apply([&](auto... member) { (inner.get_if_there(message.*member), ...); }, T::wire);
    return inner.ok_;
  }

 private:
  // A field that an older writer did not know stays at its default.
  template <class T>
  void get_if_there(T& field) {
    if (ok_ && at_ != end_) {
      get(field);
    }
  }
  const char* take(std::size_t bytes) {
    if (!ok_ || bytes > static_cast<std::size_t>(end_ - at_)) {
      ok_ = false;
      return nullptr;
    }
    const char* from = at_;
    at_ += bytes;
    return from;
  }

  const char* at_;
  const char* end_;
  bool ok_ = true;
};

template <Message T>
std::size_t encoded_bytes(const T& message) {
  Sizer sizer;
  sizer.put(message);
  return sizer.bytes();
}

/// Reads a whole message; false when the bytes are not one.
template <Message T>
bool decode(std::string_view from, T& message) {
  Reader reader(from);
  reader.get(message);
  return reader.ok();
}

}  // namespace aquifer::rpc
