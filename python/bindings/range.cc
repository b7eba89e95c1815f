// Client.get_range, get_range_into and their batches: parts of values.
#include <vector>

#include "arguments.h"
#include "bytes.h"
#include "client.h"
#include "lists.h"
#include "values.h"

namespace aquifer::python {
namespace {

constexpr std::uint64_t kOffsetMax = Limits::kValueBytes;

nb::object get_range(Client& self, nb::handle key, nb::handle offset, nb::handle length,
                     nb::handle name_space, nb::handle timeout) {
  const std::string_view name = read_key(key.ptr(), {"key"});
  const std::uint64_t begin = read_number(offset, {"offset"}, 0, kOffsetMax);
  const std::uint64_t room = read_number(length, {"length"}, 1, Limits::kValueBytes);
  const CallOptions options = read_call_options(name_space, timeout);
  Bytes bytes;
  if (!bytes.reserve(room)) {
    self.note("no memory for a range");
    return nb::none();
  }
  const Piece piece = bytes.piece();
  const auto outcome = self.call(GetOutcome{Status::kInternal, 0}, [&](aquifer::Client& client) {
    return client.get_range(name, begin, {&piece, 1}, options);
  });
  return outcome.status == Status::kOk ? bytes.take(outcome.bytes) : nb::none();
}

long long get_range_into(Client& self, nb::handle key, nb::handle offset, nb::handle buffers,
                         nb::handle name_space, nb::handle timeout) {
  const std::string_view name = read_key(key.ptr(), {"key"});
  const std::uint64_t begin = read_number(offset, {"offset"}, 0, kOffsetMax);
  const CallOptions options = read_call_options(name_space, timeout);
  PieceTable<Piece> pieces;
  pieces.add(buffers.ptr(), {"buffers"});
  pieces.require_disjoint({"buffers"});
  return delivered(self.call(GetOutcome{Status::kInternal, 0}, [&](aquifer::Client& client) {
    return client.get_range(name, begin, pieces[0], options);
  }));
}

std::vector<GetOutcome> read_ranges(Client& self, const std::vector<RangeItem>& items,
                                    const CallOptions& options) {
  auto outcomes = self.call(std::vector<GetOutcome>{}, [&](aquifer::Client& client) {
    return client.get_range_batch(items, options);
  });
  outcomes.resize(items.size(), GetOutcome{Status::kInternal, 0});
  return outcomes;
}

nb::object get_range_batch(Client& self, nb::handle keys, nb::handle offsets, nb::handle lengths,
                           nb::handle name_space, nb::handle timeout) {
  const KeyTable names(keys);
  const std::size_t count = names.size();
  const auto begins = read_numbers(offsets, count, "offsets", 0, kOffsetMax);
  const auto rooms = read_numbers(lengths, count, "lengths", 1, Limits::kValueBytes);
  const CallOptions options = read_call_options(name_space, timeout);
  std::vector<Bytes> values(count);
  std::vector<Piece> pieces(count);
  std::vector<RangeItem> items(count);
  for (std::size_t i = 0; i < count; ++i) {
    if (!values[i].reserve(rooms[i])) {
      self.note("no memory for a range");
      return make_list(count, [](std::size_t) { return nb::none(); });
    }
    pieces[i] = values[i].piece();
    items[i] = {names[i], begins[i], {&pieces[i], 1}};
  }
  const auto outcomes = read_ranges(self, items, options);
  return make_list(count, [&](std::size_t i) {
    return outcomes[i].status == Status::kOk ? values[i].take(outcomes[i].bytes) : nb::none();
  });
}

nb::object get_range_into_batch(Client& self, nb::handle keys, nb::handle offsets,
                                nb::handle buffers, nb::handle name_space, nb::handle timeout) {
  const KeyTable names(keys);
  const std::size_t count = names.size();
  const auto begins = read_numbers(offsets, count, "offsets", 0, kOffsetMax);
  const CallOptions options = read_call_options(name_space, timeout);
  PieceTable<Piece> pieces;
  pieces.add_all(buffers, count, {"buffers"});
  pieces.require_disjoint({"buffers"});
  std::vector<RangeItem> items(count);
  for (std::size_t i = 0; i < count; ++i) items[i] = {names[i], begins[i], pieces[i]};
  const auto outcomes = read_ranges(self, items, options);
  return make_list(count, [&](std::size_t i) { return nb::int_(delivered(outcomes[i])); });
}

}  // namespace

void bind_range(nb::class_<Client>& type) {
  const auto key = nb::arg("key").none();
  const auto keys = nb::arg("keys").none();
  const auto offset = nb::arg("offset").none();
  const auto offsets = nb::arg("offsets").none();
  const auto buffers = nb::arg("buffers").none();
  const auto name_space = nb::arg("namespace") = nb::none();
  const auto timeout = nb::arg("timeout") = nb::none();
  type.def(
      "get_range", get_range, key, offset, nb::arg("length").none(), nb::kw_only(), name_space,
      timeout,
      "`length` bytes of a value from `offset` on, fewer where it ends before; None on a miss,\n"
      "for an offset behind the end, and when the pool is in trouble.");
  type.def("get_range_batch", get_range_batch, keys, offsets, nb::arg("lengths").none(),
           nb::kw_only(), name_space, timeout,
           "get_range for many keys, one offset and length each: a list of bytes and None.");
  type.def(
      "get_range_into", get_range_into, key, offset, buffers, nb::kw_only(), name_space, timeout,
      "Reads a value from `offset` on into the caller's memory, as far as that or the value\n"
      "reaches. Returns the bytes delivered, 0 on a miss, or the Status as a negative number.");
  type.def("get_range_into_batch", get_range_into_batch, keys, offsets, buffers, nb::kw_only(),
           name_space, timeout,
           "get_range_into for many keys, one offset and destination each: a list of int.");
}

}  // namespace aquifer::python
