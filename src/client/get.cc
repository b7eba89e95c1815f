// What a get does: handles from the cache or by one look-up, read, verify; for what failed one
// fresh look-up and the other replicas; then a miss.
#include <algorithm>
#include <optional>
#include <tuple>

#include "base/strings.h"
#include "client/session.h"

namespace aquifer::client {

using protocol::Method;

// One key of a get on its way.
struct Session::Reading {
  std::string_view key;
  std::span<const Piece> pieces;        ///< of the caller
  std::optional<std::uint64_t> offset;  ///< of a range; none: the whole value
  GetOutcome* outcome = nullptr;
  HandlePtr handle;
  bool from_cache = false;
  bool done = false;
  bool fresh = false;       ///< looked up during this call, after a failure
  base::PutId stale{};      ///< what was found then, and had moved on
  std::uint32_t tried = 0;  ///< replicas, as bits
  Status failure = Status::kNotFound;
  bool damaged = false;
  // Digests cover whole pages: what a range leaves out of its first and last one goes here.
  std::vector<std::byte> before;
  std::vector<std::byte> after;
  std::vector<Piece> whole_pages;

  bool has_tried_all() const { return tried + 1 == std::uint32_t{1} << handle->replicas.size(); }
  void end(Status status) {
    outcome->status = status;
    done = true;
  }
};

namespace {

// Counts bytes as being read from a node, for as long as it lives.
class BeingRead {
 public:
  BeingRead(std::shared_ptr<Peer> peer, std::uint64_t bytes)
      : peer_(std::move(peer)), bytes_(bytes) {
    if (peer_ != nullptr) peer_->being_read += bytes_;
  }
  BeingRead(BeingRead&&) = default;
  ~BeingRead() {
    if (peer_ != nullptr) peer_->being_read -= bytes_;
  }

 private:
  std::shared_ptr<Peer> peer_;
  std::uint64_t bytes_;
};

Status check(std::string_view key, std::span<const Piece> pieces) {
  if (pieces.size() > Limits::kPieces) {
    return Status::kTooLarge;
  }
  const bool null = std::any_of(pieces.begin(), pieces.end(), [](const Piece& piece) {
    return piece.address == nullptr && piece.bytes != 0;
  });
  if (key.empty() || key.size() > Limits::kKeyBytes || null) {
    return Status::kInvalidArgument;
  }
  return Status::kOk;
}

// True when two pieces of the batch share a byte: what would be delivered could not be right for
// both.
template <class Item>
bool overlap(std::span<const Item> items) {
  const char* end = nullptr;
  bool ascending = true;
  std::size_t count = 0;
  for (const Item& item : items) {
    if (item.pieces.size() > Limits::kPieces) {
      continue;  // refused for that
    }
    for (const Piece& piece : item.pieces) {
      const char* const first = static_cast<const char*>(piece.address);
      ascending = ascending && first >= end;
      end = first + piece.bytes;
      ++count;
    }
  }
  if (ascending) {
    return false;
  }
  std::vector<Piece> sorted;
  sorted.reserve(count);
  for (const Item& item : items) {
    if (item.pieces.size() > Limits::kPieces) {
      continue;
    }
    sorted.insert(sorted.end(), item.pieces.begin(), item.pieces.end());
  }
  std::erase_if(sorted, [](const Piece& piece) { return piece.bytes == 0; });
  std::sort(sorted.begin(), sorted.end(),
            [](const Piece& a, const Piece& b) { return a.address < b.address; });
  return std::adjacent_find(sorted.begin(), sorted.end(), [](const Piece& a, const Piece& b) {
           return static_cast<const char*>(a.address) + a.bytes > b.address;
         }) != sorted.end();
}

}  // namespace

std::vector<GetOutcome> Session::get(std::span<const GetItem> items, const Call& call) {
  std::vector<Reading> readings(items.size());
  for (std::size_t i = 0; i < items.size(); ++i) {
    readings[i].key = items[i].key;
    readings[i].pieces = items[i].pieces;
  }
  return read_all(readings, overlap(items), call);
}

std::vector<GetOutcome> Session::get_ranges(std::span<const RangeItem> items, const Call& call) {
  std::vector<Reading> readings(items.size());
  for (std::size_t i = 0; i < items.size(); ++i) {
    readings[i].key = items[i].key;
    readings[i].pieces = items[i].pieces;
    readings[i].offset = items[i].offset;
  }
  return read_all(readings, overlap(items), call);
}

std::vector<GetOutcome> Session::read_all(std::vector<Reading>& readings, bool overlap,
                                          const Call& call) {
  std::vector<GetOutcome> outcomes(readings.size());
  if (overlap) {
    remember({Status::kInvalidArgument, "pieces of the destination overlap",
              "give every piece memory of its own"});
    std::fill(outcomes.begin(), outcomes.end(), GetOutcome{Status::kInvalidArgument, 0});
    return outcomes;
  }
  for (std::size_t i = 0; i < readings.size(); ++i) {
    readings[i].outcome = &outcomes[i];
    if (const Status status = check(readings[i].key, readings[i].pieces); status != Status::kOk) {
      readings[i].end(status);
    }
  }
  const auto pending = [&] {
    return std::any_of(readings.begin(), readings.end(), [](auto& r) { return !r.done; });
  };
  while (pending()) {
    find_handles(readings, call);
    read_round(readings, call);
    if (time_.now() >= call.deadline) {
      for (Reading& reading : readings) {
        if (!reading.done) {
          reading.end(Status::kTimeout);
        }
      }
    }
  }
  for (std::size_t i = 0; i < readings.size() && !remember(outcomes[i].status, readings[i].key);
       ++i) {
  }
  for (const GetOutcome& outcome : outcomes) {
    ++(outcome.status == Status::kOk ? counters_.hits : counters_.misses);
  }
  report_soon(call.deadline, false);
  return outcomes;
}

// What stands against delivering the value under this handle into these pieces.
Status Session::fit(Reading& reading) {
  const std::uint64_t room = memory::total_bytes(reading.pieces);
  const std::uint64_t value = reading.handle->value_bytes;
  if (!reading.offset) {
    reading.outcome->bytes = value;
    return room >= value ? Status::kOk : Status::kTooSmall;
  }
  if (*reading.offset >= value || room == 0) {
    remember({Status::kInvalidArgument,
              base::cat("\"", reading.key, "\": the range begins at byte ", *reading.offset,
                        " and has ", room, " bytes; the value has ", value),
              "ask for at least one byte, from within the value on"});
    return Status::kInvalidArgument;
  }
  reading.outcome->bytes = std::min(room, value - *reading.offset);
  return Status::kOk;
}

void Session::find_handles(std::vector<Reading>& readings, const Call& call) {
  std::vector<Reading*> missing;
  for (Reading& reading : readings) {
    if (reading.done) {
      continue;
    }
    if (reading.handle == nullptr && !reading.fresh && reading.tried == 0) {
      reading.handle = cache_.find(call.name_space, reading.key);
      reading.from_cache = reading.handle != nullptr;
      if (reading.from_cache) {
        note_use(*reading.handle);
      }
    }
    if (reading.handle == nullptr) {
      missing.push_back(&reading);
    }
  }
  if (!missing.empty()) {
    look_up(missing, call);
  }
  for (Reading& reading : readings) {
    if (reading.done || reading.handle == nullptr) {
      continue;
    }
    const Status status = fit(reading);
    if (status == Status::kOk) {
      continue;
    }
    if (reading.from_cache && !reading.fresh) {
      // The object may have been replaced by one of another size: ask before saying so.
      reading.fresh = true;
      reading.handle = nullptr;
    } else {
      reading.end(status);
    }
  }
}

void Session::look_up(std::vector<Reading*>& missing, const Call& call) {
  protocol::Lookup request{
      call.name_space, true, {}, static_cast<std::uint32_t>(call.fill.count())};
  for (const Reading* reading : missing) {
    request.keys.push_back(reading->key);
  }
  protocol::EncodedHandles reply;
  const auto payload = ask(Method::kLookup, request, reply, call.deadline);
  for (std::size_t i = 0; i < missing.size(); ++i) {
    Reading& reading = *missing[i];
    Found found{payload ? Status::kVersionMismatch : payload.code(), nullptr, {}};
    if (payload && i < reply.items.size()) {
      found = learn(reading.key, reply.items[i], call);
    }
    if (found.handle == nullptr) {
      // A replica that the node has found damaged meanwhile is gone from meta; what was seen of it
      // still counts.
      reading.outcome->filling = found.filling;
      reading.end(reading.damaged ? Status::kIntegrity : found.status);
      continue;
    }
    reading.handle = std::move(found.handle);
    reading.tried = 0;
  }
}

// Says which pages the transfer is to read, and where to.
void Session::aim(Reading& reading, Transfer& transfer) {
  transfer.destination = reading.pieces;
  if (!reading.offset) {
    return;
  }
  const std::uint64_t first = *reading.offset;
  const std::uint64_t end = first + reading.outcome->bytes;
  transfer.first_page = first / pool::kPageBytes;
  transfer.end_page = (end + pool::kPageBytes - 1) / pool::kPageBytes;
  reading.before.resize(first % pool::kPageBytes);
  reading.after.resize(std::min(transfer.end_page * pool::kPageBytes, transfer.value_bytes) - end);
  reading.whole_pages.assign(1, {reading.before.data(), reading.before.size()});
  std::uint64_t left = reading.outcome->bytes;
  for (const Piece& piece : reading.pieces) {
    const std::size_t bytes = std::min<std::uint64_t>(piece.bytes, left);
    reading.whole_pages.push_back({piece.address, bytes});
    left -= bytes;
  }
  reading.whole_pages.push_back({reading.after.data(), reading.after.size()});
  transfer.destination = reading.whole_pages;
}

// Of those that have not been tried: one that has answered lately before one that has not, then the
// nearest, then the one that this client is reading least from. Equal ones take their turns, each
// client beginning with another one for each object.
std::size_t Session::choose_replica(const Reading& reading) {
  const auto& replicas = reading.handle->replicas;
  if (replicas.size() == 1) {
    return 0;
  }
  using Cost = std::tuple<unsigned, std::uint64_t, std::size_t>;
  const std::uint64_t first = base::short_hash(reading.handle->put.sequence ^ id_.value);
  std::size_t best = 0;
  std::optional<Cost> least;
  for (std::size_t replica = 0; replica < replicas.size(); ++replica) {
    if ((reading.tried >> replica & 1) != 0) {
      continue;
    }
    const auto peer = peers_.find_known(replicas[replica].node);
    unsigned trouble = replicas[replica].may_hang ? 4 : 0;
    if (peer != nullptr) {
      const Peer::Place& place = peer->place();
      const bool is_silent = peer->is_avoided() || !peer->port_is_sound();
      trouble += (is_silent ? 4 : 0) + (place.same_host ? 0 : place.same_zone ? 1 : 2);
    }
    const Cost cost{trouble, peer != nullptr ? peer->being_read.load() : 0,
                    (first + replica) % replicas.size()};
    if (!least || cost < *least) {
      best = replica;
      least = cost;
    }
  }
  return best;
}

// Reads the next untried replica of everything that is left.
void Session::read_round(std::vector<Reading>& readings, const Call& call) {
  Transfers transfers;
  std::vector<Transfer*> pointers;
  std::vector<Reading*> of_transfer;
  bool alternatives = false;
  std::vector<BeingRead> loads;
  for (Reading& reading : readings) {
    if (reading.done || reading.handle == nullptr) {
      continue;
    }
    const std::size_t replica = choose_replica(reading);
    reading.tried |= 1u << replica;
    alternatives = alternatives || !reading.has_tried_all();
    auto transfer = std::make_unique<Transfer>();
    transfer->name_space = call.name_space;
    transfer->key = reading.key;
    transfer->put = reading.handle->put;
    transfer->value_bytes = reading.handle->value_bytes;
    transfer->place = reading.handle->replicas[replica];
    transfer->remembered = reading.from_cache && !reading.fresh;
    aim(reading, *transfer);
    if (reading.handle->replicas.size() > 1) {
      loads.emplace_back(peers_.find_known(transfer->place.node), transfer->bytes());
    }
    pointers.push_back(transfer.get());
    transfers.push_back(std::move(transfer));
    of_transfer.push_back(&reading);
  }
  // A node that hangs must leave time for the next replica.
  const auto now = time_.now();
  const Call share{call.name_space, alternatives ? now + (call.deadline - now) / 2 : call.deadline};
  move(pointers, Work::kRead, share);
  loads.clear();
  for (std::size_t i = 0; i < transfers.size(); ++i) {
    judge(*of_transfer[i], *transfers[i], call);
  }
}

// Decides what follows from one replica's outcome: done, the next replica, a fresh look-up, or a
// miss.
void Session::judge(Reading& reading, const Transfer& transfer, const Call& call) {
  Outcome outcome = transfer.outcome.load();
  if (outcome == Outcome::kTimeout && time_.now() < call.deadline) {
    outcome = Outcome::kUnreachable;  // only this replica's share of the time is over
  }
  switch (outcome) {
    case Outcome::kDone:
      transfer.peer->answered();
      return reading.end(Status::kOk);
    case Outcome::kTimeout:
      return reading.end(Status::kTimeout);
    case Outcome::kStale:
      reading.failure = Status::kNotFound;
      ++counters_.stale_handles;
      if (reading.stale == reading.handle->put) {
        // Meta says so again, the slot does not. Its word is damaged, and while meta lists such an
        // object nobody can put the key again: the node has a look.
        const std::lock_guard lock(report_mutex_);
        report_.suspects.push_back(
            {transfer.place.segment, transfer.place.slot, transfer.place.generation});
      }
      break;
    case Outcome::kUnreachable:
      reading.failure = Status::kUnreachable;
      if (transfer.peer != nullptr) {
        transfer.peer->avoid();
      }
      break;
    case Outcome::kDamaged:
      reading.damaged = true;
      note_damage(transfer);
      break;
  }
  cache_.drop(transfer.name_space, transfer.key, reading.handle.get());
  if (!reading.has_tried_all()) {
    return;
  }
  // What was replaced while it was read is there, under a new handle.
  const bool is_new = reading.stale != reading.handle->put;
  const bool again = reading.fresh && reading.failure == Status::kNotFound && is_new;
  if (reading.fresh && (reading.damaged || !again)) {
    if (reading.damaged) {
      remember({Status::kIntegrity,
                base::cat("the object \"", transfer.key, "\" is damaged in every replica"),
                "put it again"});
    }
    return reading.end(reading.damaged ? Status::kIntegrity : reading.failure);
  }
  if (reading.fresh) {
    reading.stale = reading.handle->put;
  }
  reading.fresh = true;
  reading.handle = nullptr;
  reading.tried = 0;
}

std::vector<GetOutcome> Session::locate(std::span<const std::string_view> keys, bool cached,
                                        const Call& call) {
  std::vector<GetOutcome> outcomes(keys.size());
  protocol::Lookup request{
      call.name_space, false, {}, static_cast<std::uint32_t>(call.fill.count())};
  std::vector<std::size_t> asked;
  for (std::size_t i = 0; i < keys.size(); ++i) {
    const HandlePtr known = cached ? cache_.find(call.name_space, keys[i]) : nullptr;
    if (known != nullptr) {
      outcomes[i] = {Status::kOk, known->value_bytes, {}};
    } else if (keys[i].empty() || keys[i].size() > Limits::kKeyBytes) {
      outcomes[i].status = Status::kInvalidArgument;
    } else {
      request.keys.push_back(keys[i]);
      asked.push_back(i);
    }
  }
  if (asked.empty()) {
    return outcomes;
  }
  protocol::EncodedHandles reply;
  const auto payload = ask(Method::kLookup, request, reply, call.deadline);
  for (std::size_t n = 0; n < asked.size(); ++n) {
    GetOutcome& outcome = outcomes[asked[n]];
    if (!payload || n >= reply.items.size()) {
      outcome.status = payload ? Status::kVersionMismatch : payload.code();
      continue;
    }
    const Found found = learn(keys[asked[n]], reply.items[n], call);
    outcome = {found.status, found.handle == nullptr ? 0 : found.handle->value_bytes,
               found.filling};
  }
  for (std::size_t i = 0; i < keys.size() && !remember(outcomes[i].status, keys[i]); ++i) {
  }
  if (cached) {  // the first step of a get, and the last one of those that find nothing
    counters_.misses += static_cast<std::uint64_t>(
        std::count_if(outcomes.begin(), outcomes.end(),
                      [](const GetOutcome& outcome) { return outcome.status != Status::kOk; }));
  }
  return outcomes;
}

std::size_t Session::match_prefix(std::span<const std::string_view> keys, const Call& call) {
  protocol::EncodedHandles reply;
  const auto payload =
      ask(Method::kMatchPrefix, protocol::MatchPrefix{call.name_space, {keys.begin(), keys.end()}},
          reply, call.deadline);
  if (!payload) {
    return 0;
  }
  const std::size_t matched = std::min(reply.items.size(), keys.size());
  for (std::size_t i = 0; i < matched; ++i) {
    learn(keys[i], reply.items[i], call);
  }
  return matched;
}

}  // namespace aquifer::client
