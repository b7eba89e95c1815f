// Client.get, get_into and their batches.
//
// A get into bytes has to know the size before it can make the object that receives the value.
// Asking for it costs no call to meta that the get after it would not have made: look-ups bring
// handles along, and handles are remembered. So that a single get need not take the GIL between the
// two steps, it makes an object of the size that recent values had beforehand.
#include <algorithm>
#include <chrono>
#include <optional>
#include <vector>

#include "arguments.h"
#include "bytes.h"
#include "client.h"
#include "lists.h"
#include "values.h"

namespace aquifer::python {
namespace {

using Clock = std::chrono::steady_clock;

// A value can be replaced by a larger one between two rounds; again and again only by intent.
constexpr int kRounds = 4;

/// The deadline of a call that may need several rounds.
class Deadline {
 public:
  Deadline(const Client& client, const CallOptions& options)
      : end_(Clock::now() + (options.timeout.count() > 0 ? options.timeout : client.timeout())) {}

  /// What is left, rounded up to whole milliseconds; nothing when it has passed.
  std::optional<std::chrono::milliseconds> left() const {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(end_ - Clock::now());
    if (left.count() <= 0) return std::nullopt;
    return left;
  }

 private:
  Clock::time_point end_;
};

/// One attempt of a get into `room`: what was found, and whether it has been read.
struct Attempt {
  GetOutcome outcome{Status::kInternal, 0};
  bool read = false;
};

Attempt read_if_it_fits(aquifer::Client& client, std::string_view key, const Piece& room,
                        CallOptions options, const Deadline& deadline) {
  const GetOutcome found = client.locate_batch({&key, 1}, options).front();
  if (found.status != Status::kOk || found.bytes > room.bytes) return {found, false};
  const auto left = deadline.left();
  if (!left) return {{Status::kTimeout, 0}, true};
  options.timeout = *left;
  return {client.get_into(key, {&room, 1}, options), true};
}

nb::object get(Client& self, nb::handle key, nb::handle name_space, nb::handle timeout) {
  const std::string_view name = read_key(key.ptr(), {"key"});
  CallOptions options = read_call_options(name_space, timeout);
  const Deadline deadline(self, options);
  std::size_t room = self.room().bytes();
  for (int round = 0; round < kRounds; ++round) {
    Bytes bytes;
    if (!bytes.reserve(room)) {
      self.note("no memory for a value");
      break;
    }
    const Piece piece = bytes.piece();
    const auto [outcome, read] = self.call(Attempt{}, [&](aquifer::Client& client) {
      return read_if_it_fits(client, name, piece, options, deadline);
    });
    if (read && outcome.status == Status::kOk) {
      self.room().learn(outcome.bytes);
      return bytes.take(outcome.bytes);
    }
    if (outcome.status != Status::kOk && outcome.status != Status::kTooSmall) break;
    const auto left = deadline.left();
    if (!left) break;
    options.timeout = *left;
    room = outcome.bytes;
  }
  return nb::none();
}

/// One get_batch into bytes objects.
class BytesBatch {
 public:
  BytesBatch(Client& client, const KeyTable& keys)
      : client_(client), keys_(keys), values_(keys.size()) {}

  /// Learns the sizes.
  void locate(const CallOptions& options) {
    outcomes_ = client_.call(std::vector<GetOutcome>{}, [&](aquifer::Client& client) {
      return client.locate_batch(keys_.span(), options);
    });
    outcomes_.resize(keys_.size(), GetOutcome{Status::kInternal, 0});
    for (GetOutcome& outcome : outcomes_) {
      if (outcome.status == Status::kOk) outcome.status = Status::kTooSmall;
    }
  }

  /// Reads what has not had room enough so far, into objects of the size now known.
  void read(const CallOptions& options) {
    std::vector<std::size_t> wanted;
    std::vector<Piece> pieces;
    for (std::size_t i = 0; i < keys_.size(); ++i) {
      if (outcomes_[i].status != Status::kTooSmall) continue;
      if (!values_[i].reserve(outcomes_[i].bytes)) {
        client_.note("no memory for a value");
        outcomes_[i].status = Status::kInternal;
        continue;
      }
      wanted.push_back(i);
      pieces.push_back(values_[i].piece());
    }
    std::vector<GetItem> items(wanted.size());
    for (std::size_t i = 0; i < items.size(); ++i) items[i] = {keys_[wanted[i]], {&pieces[i], 1}};
    const auto outcomes = client_.call(std::vector<GetOutcome>{}, [&](aquifer::Client& client) {
      return client.get_batch(items, options);
    });
    for (std::size_t i = 0; i < items.size(); ++i) outcomes_[wanted[i]] = outcome_at(outcomes, i);
  }

  bool complete() const {
    return std::none_of(outcomes_.begin(), outcomes_.end(), [](const GetOutcome& outcome) {
      return outcome.status == Status::kTooSmall;
    });
  }

  nb::object take(std::size_t index) {
    if (outcomes_[index].status != Status::kOk) return nb::none();
    return values_[index].take(outcomes_[index].bytes);
  }

 private:
  Client& client_;
  const KeyTable& keys_;
  std::vector<Bytes> values_;
  std::vector<GetOutcome> outcomes_;
};

nb::object get_batch(Client& self, nb::handle keys, nb::handle name_space, nb::handle timeout) {
  const KeyTable names(keys);
  CallOptions options = read_call_options(name_space, timeout);
  const Deadline deadline(self, options);
  BytesBatch batch(self, names);
  batch.locate(options);
  for (int round = 0; round < kRounds && !batch.complete(); ++round) {
    const auto left = deadline.left();
    if (!left) break;
    options.timeout = *left;
    batch.read(options);
  }
  return make_list(names.size(), [&](std::size_t i) { return batch.take(i); });
}

long long get_into(Client& self, nb::handle key, nb::handle buffers, nb::handle name_space,
                   nb::handle timeout) {
  const std::string_view name = read_key(key.ptr(), {"key"});
  const CallOptions options = read_call_options(name_space, timeout);
  PieceTable<Piece> pieces;
  pieces.add(buffers.ptr(), {"buffers"});
  pieces.require_disjoint({"buffers"});
  return delivered(self.call(GetOutcome{Status::kInternal, 0}, [&](aquifer::Client& client) {
    return client.get_into(name, pieces[0], options);
  }));
}

nb::object get_into_batch(Client& self, nb::handle keys, nb::handle buffers, nb::handle name_space,
                          nb::handle timeout) {
  const KeyTable names(keys);
  const CallOptions options = read_call_options(name_space, timeout);
  PieceTable<Piece> pieces;
  pieces.add_all(buffers, names.size(), {"buffers"});
  pieces.require_disjoint({"buffers"});
  std::vector<GetItem> items(names.size());
  for (std::size_t i = 0; i < items.size(); ++i) items[i] = {names[i], pieces[i]};
  const auto outcomes = self.call(std::vector<GetOutcome>{}, [&](aquifer::Client& client) {
    return client.get_batch(items, options);
  });
  return make_list(items.size(),
                   [&](std::size_t i) { return nb::int_(delivered(outcome_at(outcomes, i))); });
}

}  // namespace

void bind_get(nb::class_<Client>& type) {
  const auto key = nb::arg("key").none();
  const auto keys = nb::arg("keys").none();
  const auto buffers = nb::arg("buffers").none();
  const auto name_space = nb::arg("namespace") = nb::none();
  const auto timeout = nb::arg("timeout") = nb::none();
  type.def("get", get, key, nb::kw_only(), name_space, timeout,
           "The value as bytes; None on a miss, and when the pool is in trouble.");
  type.def("get_batch", get_batch, keys, nb::kw_only(), name_space, timeout,
           "get for many keys: a list of bytes and None.");
  type.def(
      "get_into", get_into, key, buffers, nb::kw_only(), name_space, timeout,
      "Reads a value into the caller's memory. Returns the bytes delivered, 0 on a miss, or the\n"
      "Status as a negative number. Unless bytes were delivered its content is undefined.");
  type.def("get_into_batch", get_into_batch, keys, buffers, nb::kw_only(), name_space, timeout,
           "get_into for many keys, one destination each: a list of int.");
}

}  // namespace aquifer::python
