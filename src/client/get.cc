// What a get does: handles from the cache or by one look-up, read, verify; for what failed one
// fresh look-up and the other replicas; then a miss.
#include <algorithm>

#include "base/strings.h"
#include "client/session.h"

namespace aquifer::client {

using protocol::Method;

// One key of a get on its way.
struct Session::Reading {
  const GetItem* item = nullptr;
  GetOutcome* outcome = nullptr;
  HandlePtr handle;
  bool from_cache = false;
  bool done = false;
  bool fresh = false;       ///< looked up during this call, after a failure
  std::uint32_t tried = 0;  ///< replicas, as bits
  Status failure = Status::kNotFound;
  bool damaged = false;

  void end(Status status) {
    outcome->status = status;
    done = true;
  }
};

namespace {

Status check(const GetItem& item) {
  const bool null = std::any_of(item.pieces.begin(), item.pieces.end(), [](const Piece& piece) {
    return piece.address == nullptr && piece.bytes != 0;
  });
  if (item.key.empty() || item.key.size() > Limits::kKeyBytes || null) {
    return Status::kInvalidArgument;
  }
  return item.pieces.size() > Limits::kPieces ? Status::kTooLarge : Status::kOk;
}

// True when two pieces of the batch share a byte: what would be delivered could not be right for
// both.
bool overlap(std::span<const GetItem> items) {
  const char* end = nullptr;
  bool ascending = true;
  std::size_t count = 0;
  for (const GetItem& item : items) {
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
  for (const GetItem& item : items) {
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
  std::vector<GetOutcome> outcomes(items.size());
  if (overlap(items)) {
    remember({Status::kInvalidArgument, "pieces of the destination overlap",
              "give every piece memory of its own"});
    std::fill(outcomes.begin(), outcomes.end(), GetOutcome{Status::kInvalidArgument, 0});
    return outcomes;
  }
  std::vector<Reading> readings(items.size());
  for (std::size_t i = 0; i < items.size(); ++i) {
    readings[i].item = &items[i];
    readings[i].outcome = &outcomes[i];
    if (const Status status = check(items[i]); status != Status::kOk) {
      readings[i].end(status);
    }
  }
  const auto pending = [&] {
    return std::any_of(readings.begin(), readings.end(), [](auto& r) { return !r.done; });
  };
  while (pending()) {
    find_handles(readings, call);
    read_round(readings, call);
    if (io::Clock::now() >= call.deadline) {
      for (Reading& reading : readings) {
        if (!reading.done) {
          reading.end(Status::kTimeout);
        }
      }
    }
  }
  for (std::size_t i = 0; i < items.size() && !remember(outcomes[i].status, items[i].key); ++i) {
  }
  for (const GetOutcome& outcome : outcomes) {
    ++(outcome.status == Status::kOk ? counters_.hits : counters_.misses);
  }
  report_soon(call.deadline, false);
  return outcomes;
}

void Session::find_handles(std::vector<Reading>& readings, const Call& call) {
  std::vector<Reading*> missing;
  for (Reading& reading : readings) {
    if (reading.done) {
      continue;
    }
    if (reading.handle == nullptr && !reading.fresh && reading.tried == 0) {
      reading.handle = cache_.find(call.name_space, reading.item->key);
      reading.from_cache = reading.handle != nullptr;
      if (reading.from_cache) {
        const std::lock_guard lock(report_mutex_);
        report_.uses.push_back(reading.handle->put);
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
    reading.outcome->bytes = reading.handle->value_bytes;
    if (memory::total_bytes(reading.item->pieces) >= reading.handle->value_bytes) {
      continue;
    }
    if (reading.from_cache && !reading.fresh) {
      reading.fresh =
          true;  // the object may have been replaced by a smaller one: ask before saying so
      reading.handle = nullptr;
    } else {
      reading.end(Status::kTooSmall);
    }
  }
}

void Session::look_up(std::vector<Reading*>& missing, const Call& call) {
  protocol::Lookup request{call.name_space, true, {}};
  for (const Reading* reading : missing) {
    request.keys.push_back(reading->item->key);
  }
  protocol::Handles reply;
  const auto payload = ask(Method::kLookup, request, reply, call.deadline);
  for (std::size_t i = 0; i < missing.size(); ++i) {
    Reading& reading = *missing[i];
    if (!payload || i >= reply.items.size()) {
      reading.end(reading.damaged ? Status::kIntegrity
                  : payload       ? Status::kVersionMismatch
                                  : payload.code());
      continue;
    }
    const protocol::Handle& found = reply.items[i];
    reading.handle = found.status == Status::kOk ? Handle::of(found) : nullptr;
    if (reading.handle == nullptr) {
      // A replica that the node has found damaged meanwhile is gone from meta; what was seen of it
      // still counts.
      reading.end(reading.damaged ? Status::kIntegrity : found.status);
      continue;
    }
    reading.tried = 0;
    cache_.put(call.name_space, reading.item->key, reading.handle);
  }
}

// Reads the next untried replica of everything that is left.
void Session::read_round(std::vector<Reading>& readings, const Call& call) {
  Transfers transfers;
  std::vector<Transfer*> pointers;
  std::vector<Reading*> of_transfer;
  bool alternatives = false;
  for (Reading& reading : readings) {
    if (reading.done || reading.handle == nullptr) {
      continue;
    }
    std::uint32_t replica = 0;
    while ((reading.tried >> replica & 1) != 0) {
      ++replica;
    }
    reading.tried |= 1u << replica;
    alternatives = alternatives || replica + 1 < reading.handle->replicas.size();
    auto transfer = std::make_unique<Transfer>();
    transfer->name_space = call.name_space;
    transfer->key = reading.item->key;
    transfer->put = reading.handle->put;
    transfer->value_bytes = reading.handle->value_bytes;
    transfer->place = reading.handle->replicas[replica];
    transfer->destination = reading.item->pieces;
    pointers.push_back(transfer.get());
    transfers.push_back(std::move(transfer));
    of_transfer.push_back(&reading);
  }
  // A node that hangs must leave time for the next replica.
  const auto now = io::Clock::now();
  const Call share{call.name_space, alternatives ? now + (call.deadline - now) / 2 : call.deadline};
  move(pointers, false, share);
  for (std::size_t i = 0; i < transfers.size(); ++i) {
    judge(*of_transfer[i], *transfers[i], call);
  }
}

// Decides what follows from one replica's outcome: done, the next replica, a fresh look-up, or a
// miss.
void Session::judge(Reading& reading, const Transfer& transfer, const Call& call) {
  Outcome outcome = transfer.outcome.load();
  if (outcome == Outcome::kTimeout && io::Clock::now() < call.deadline) {
    outcome = Outcome::kUnreachable;  // only this replica's share of the time is over
  }
  switch (outcome) {
    case Outcome::kDone:
      return reading.end(Status::kOk);
    case Outcome::kTimeout:
      return reading.end(Status::kTimeout);
    case Outcome::kStale:
      reading.failure = Status::kNotFound;
      ++counters_.stale_handles;
      if (reading.fresh) {
        // Meta says so, the slot does not. Either it was retired just now, or its word is damaged,
        // and while meta lists such an object nobody can put the key again: the node has a look.
        const std::lock_guard lock(report_mutex_);
        report_.suspects.push_back(
            {transfer.place.segment, transfer.place.slot, transfer.place.generation});
      }
      break;
    case Outcome::kUnreachable:
      reading.failure = Status::kUnreachable;
      break;
    case Outcome::kDamaged: {
      reading.damaged = true;
      ++counters_.integrity_failures;
      const std::lock_guard lock(report_mutex_);
      ++report_.integrity_failures;
      report_.suspects.push_back(
          {transfer.place.segment, transfer.place.slot, transfer.place.generation});
      break;
    }
  }
  cache_.drop(transfer.name_space, transfer.key, reading.handle.get());
  const bool another = reading.tried + 1 < (std::uint64_t{1} << reading.handle->replicas.size());
  if (another) {
    return;
  }
  if (reading.fresh) {
    if (reading.damaged) {
      remember({Status::kIntegrity,
                base::cat("the object \"", transfer.key, "\" is damaged in every replica"),
                "put it again"});
    }
    return reading.end(reading.damaged ? Status::kIntegrity : reading.failure);
  }
  reading.fresh = true;
  reading.handle = nullptr;
  reading.tried = 0;
}

std::vector<GetOutcome> Session::locate(std::span<const std::string_view> keys, bool cached,
                                        const Call& call) {
  std::vector<GetOutcome> outcomes(keys.size());
  protocol::Lookup request{call.name_space, false, {}};
  std::vector<std::size_t> asked;
  for (std::size_t i = 0; i < keys.size(); ++i) {
    const HandlePtr known = cached ? cache_.find(call.name_space, keys[i]) : nullptr;
    if (known != nullptr) {
      outcomes[i] = {Status::kOk, known->value_bytes};
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
  protocol::Handles reply;
  const auto payload = ask(Method::kLookup, request, reply, call.deadline);
  for (std::size_t n = 0; n < asked.size(); ++n) {
    GetOutcome& outcome = outcomes[asked[n]];
    if (!payload || n >= reply.items.size()) {
      outcome.status = payload ? Status::kVersionMismatch : payload.code();
      continue;
    }
    outcome = {reply.items[n].status, reply.items[n].value_bytes};
    if (outcome.status == Status::kOk) {
      if (auto handle = Handle::of(reply.items[n])) {
        cache_.put(call.name_space, keys[asked[n]], std::move(handle));
      }
    } else {
      cache_.drop(call.name_space, keys[asked[n]], nullptr);
    }
  }
  for (std::size_t i = 0; i < keys.size() && !remember(outcomes[i].status, keys[i]); ++i) {
  }
  return outcomes;
}

std::size_t Session::match_prefix(std::span<const std::string_view> keys, const Call& call) {
  protocol::Handles reply;
  const auto payload =
      ask(Method::kMatchPrefix, protocol::MatchPrefix{call.name_space, {keys.begin(), keys.end()}},
          reply, call.deadline);
  if (!payload) {
    return 0;
  }
  const std::size_t matched = std::min(reply.items.size(), keys.size());
  for (std::size_t i = 0; i < matched; ++i) {
    if (auto handle = Handle::of(reply.items[i])) {
      cache_.put(call.name_space, keys[i], std::move(handle));
    }
  }
  return matched;
}

}  // namespace aquifer::client
