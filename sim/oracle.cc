#include "sim/oracle.h"

#include <algorithm>

namespace aquifer::sim {

using pool::SlotWord;

namespace {

bool overlap(const std::vector<pool::Extent>& some, const std::vector<pool::Extent>& others) {
  return std::any_of(some.begin(), some.end(), [&](const pool::Extent& a) {
    return std::any_of(others.begin(), others.end(), [&](const pool::Extent& b) {
      return a.first_unit < b.first_unit + b.units && b.first_unit < a.first_unit + a.units;
    });
  });
}

std::string text_of(const base::PutId& id) {
  return base::cat("put id ", id.epoch >> 40, ".", id.sequence);
}

}  // namespace

std::string key_name(std::uint32_t key) { return base::cat("key-", key); }

std::uint32_t key_number(std::string_view name) {
  std::uint32_t key = 0;
  for (const char digit : name.substr(key_name(0).size() - 1)) {
    key = key * 10 + static_cast<std::uint32_t>(digit - '0');
  }
  return key;
}

std::string Oracle::words(const Place& place) const {
  return base::cat("slot ", place.slot, " generation ", place.generation, " of segment ",
                   place.segment.value % 1000);
}

void Oracle::segment_made(const std::shared_ptr<SegmentMemory>& memory) {
  segments_[memory->view.id()] = memory;
}

void Oracle::segment_lost(base::SegmentId segment) { lost_.insert(segment); }

// Until the node has granted the slot anew, what was written there, or still is, is in the way.
bool Oracle::is_held(const Claim& claim) const {
  const auto& view = segments_.at(claim.place.segment)->view;
  return SlotWord::of(view.slot(claim.place.slot).word.load()).generation == claim.place.generation;
}

void Oracle::claimed(const base::PutId& put, const Place& place,
                     std::span<const pool::Extent> extents, bool is_copy) {
  if (!segments_.contains(place.segment)) {
    world_.violated("meta places ", text_of(put), " in a segment that nobody has made");
  }
  Claim claim{put, place, {extents.begin(), extents.end()}, world_.step(), false};
  const auto& view = segments_.at(place.segment)->view;
  const auto word = SlotWord::of(view.slot(place.slot).word.load());
  if (word.generation > place.generation && !lost_.contains(place.segment)) {
    world_.violated("meta places ", text_of(put), " in ", words(place), ", which has generation ",
                    word.generation, " by now");
  }
  auto& held = held_[place.segment];
  std::erase_if(held, [&](const auto& entry) { return !is_held(entry.second); });
  for (const auto& [slot, other] : held) {
    if (slot == place.slot && other.put == put) {
      continue;  // the same answer, repeated
    }
    if (slot == place.slot || overlap(claim.extents, other.extents)) {
      world_.violated("meta places ", text_of(put), " in ", words(place), ", over what belongs to ",
                      text_of(other.put), " in ", words(other.place));
    }
  }
  held[place.slot] = std::move(claim);
  places_[put].push_back(place);
  claimed_at_.emplace(put, world_.step());
  if (is_copy) {
    copied_.insert(put);
  }
}

void Oracle::evicted(const Place& place) {
  world_.say("meta", "evicts ", words(place));
  evicted_.insert(place);
}

std::uint32_t Oracle::put_begins(std::uint32_t key, std::uint64_t bytes, PutMode mode) {
  Put put;
  put.key = key;
  put.bytes = bytes;
  put.mode = mode;
  put.begun = world_.step();
  puts_.push_back(std::move(put));
  return static_cast<std::uint32_t>(puts_.size() - 1);
}

void Oracle::put_got(std::uint32_t put, const base::PutId& id) { puts_[put].tries.push_back(id); }

void Oracle::put_writes(std::uint32_t put, const Place& place) {
  const auto& view = segments_.at(place.segment)->view;
  const auto word = SlotWord::of(view.slot(place.slot).word.load());
  if (word.generation != place.generation && !lost_.contains(place.segment)) {
    world_.violated("put ", put, " writes ", words(place), ", which has generation ",
                    word.generation, " by now");
  }
}

void Oracle::put_ends(std::uint32_t put, Status status, bool crossed, std::uint64_t meta) {
  puts_[put].crossed = crossed;
  puts_[put].is_of_informed = was_informed(meta, puts_[put].begun);
  puts_[put].ended = world_.step();
  puts_[put].status = status;
  acknowledged_ += puts_[put].is_acknowledged() ? 1 : 0;
}

std::vector<std::uint32_t> Oracle::missing_of_groups(
    const std::function<bool(std::uint32_t)>& there) const {
  std::vector<std::uint32_t> missing;
  for (const auto& group : groups_) {
    const bool any = std::any_of(group.begin(), group.end(),
                                 [&](std::uint32_t number) { return there(puts_[number].key); });
    for (const std::uint32_t number : group) {
      if (any && !there(puts_[number].key) && is_durable(puts_[number])) {
        missing.push_back(puts_[number].key);
      }
    }
  }
  return missing;
}

// A put ends as committed, as not done, or as unknown.
bool Oracle::Put::may_be_stored() const {
  // What it found to exist may be an earlier try of its own.
  const bool is_its_own = status == Status::kExists && !tries.empty() && starts > 1;
  return is_acknowledged() || is_its_own || status == Status::kUnknown || ended == UINT64_MAX;
}

const Oracle::Put& Oracle::put_of(std::uint32_t key, const base::PutId& id,
                                  std::span<const std::byte> value) {
  const auto origin = origin_of(value);
  if (!origin || origin->put >= puts_.size() || origin->put == 0) {
    world_.violated("a get of ", key_name(key), " delivers bytes that nobody has put (",
                    text_of(id), ")");
  }
  const Put& put = puts_[origin->put];
  if (origin->key != key || put.key != key || put.bytes != value.size()) {
    world_.violated("a get of ", key_name(key), " delivers the value of put ", origin->put, " of ",
                    key_name(origin->key), ", ", value.size(), " bytes");
  }
  if (std::find(put.tries.begin(), put.tries.end(), id) == put.tries.end()) {
    world_.violated("a get of ", key_name(key), " delivers the value of put ", origin->put,
                    " under the wrong id (", text_of(id), ")");
  }
  return put;
}

void Oracle::get_delivers(std::uint32_t key, std::uint64_t begun, const base::PutId& id,
                          std::span<const std::byte> value) {
  check_delivered(put_of(key, id, value), id, begun);
}

void Oracle::range_delivers(std::uint32_t key, std::uint64_t begun, const base::PutId& id,
                            std::uint64_t offset, std::span<const std::byte> part) {
  const auto put = std::find_if(puts_.begin(), puts_.end(), [&](const Put& one) {
    return std::find(one.tries.begin(), one.tries.end(), id) != one.tries.end();
  });
  if (put == puts_.end() || put->key != key) {
    world_.violated("a get of a range of ", key_name(key), " delivers bytes of ", text_of(id));
  }
  const auto value = content_of({key, number_of(*put)}, put->bytes);
  if (offset + part.size() > value.size() ||
      !std::equal(part.begin(), part.end(), value.begin() + static_cast<std::ptrdiff_t>(offset))) {
    world_.violated("a get of a range of ", key_name(key),
                    " delivers other bytes than those of put ", number_of(*put));
  }
  check_delivered(*put, id, begun);
}

void Oracle::check_delivered(const Put& put, const base::PutId& id, std::uint64_t begun) {
  ++delivered_;
  const std::uint32_t key = put.key;
  if (!put.may_be_stored() && put.ended < begun) {
    world_.violated("a get of ", key_name(key), " delivers put ", number_of(put),
                    ", which had ended as ", name_of(put.status));
  }
  if (!put.is_acknowledged() && put.tries.back() != id && put.ended < begun) {
    world_.say("note", "an earlier try of put ", number_of(put), " is there");
  }
  check_not_removed(put, id, begun);
}

void Oracle::check_not_removed(const Put& put, const base::PutId& id, std::uint64_t begun) {
  for (const Remove& remove : removes_) {
    const bool says_gone = remove.status == Status::kOk || remove.status == Status::kNotFound ||
                           (remove.status == Status::kPending && remove.meta == settled_);
    if (remove.key == put.key && says_gone && remove.is_of_informed && remove.ended < begun &&
        claimed_at_.at(id) < remove.begun) {
      world_.violated("a get of ", key_name(put.key), " delivers put ", number_of(put),
                      ", after a remove that began later was answered ", name_of(remove.status));
    }
  }
  for (const Put& other : puts_) {
    if (other.key == put.key && other.mode == PutMode::kReplace && other.status == Status::kOk &&
        !other.crossed && other.is_of_informed && other.ended < begun && put.is_acknowledged() &&
        put.ended < other.begun) {
      world_.violated("a get of ", key_name(put.key), " delivers put ", number_of(put),
                      ", after put ", number_of(other), " had replaced it");
    }
  }
}

void Oracle::found_damaged(std::uint32_t key, const Place& place) {
  if (!lost_.contains(place.segment)) {
    world_.violated(key_name(key), " is damaged in ", words(place));
  }
}

std::size_t Oracle::remove_begins(std::uint32_t key) {
  removes_.push_back({key, world_.step()});
  return removes_.size() - 1;
}

void Oracle::remove_ends(std::size_t remove, Status status, std::uint64_t meta) {
  removes_[remove].meta = meta;
  removes_[remove].is_of_informed = was_informed(meta, removes_[remove].begun);
  removes_[remove].ended = world_.step();
  removes_[remove].status = status;
  removed_ += status == Status::kOk ? 1 : 0;
}

// Some replica of every try that may have been stored has neither been evicted nor lost its memory;
// every one, where meta has moved them about, or perhaps not all were sealed.
bool Oracle::is_durable(const Put& put) const {
  return std::all_of(put.tries.begin(), put.tries.end(), [&](const base::PutId& id) {
    const auto& places = places_.at(id);
    const auto is_there = [&](const Place& place) {
      return !evicted_.contains(place) && !lost_.contains(place.segment);
    };
    return copied_.contains(id) || !put.is_acknowledged()
               ? std::all_of(places.begin(), places.end(), is_there)
               : std::any_of(places.begin(), places.end(), is_there);
  });
}

// True when something has happened since that may rightly have taken it away.
bool Oracle::is_overtaken(const Put& put, std::uint32_t number) const {
  const bool removed = std::any_of(removes_.begin(), removes_.end(), [&](const Remove& remove) {
    // Without an answer it may still be on its way.
    const bool answered = remove.status == Status::kOk || remove.status == Status::kNotFound ||
                          remove.status == Status::kPending;
    return remove.key == put.key && (!answered || remove.ended > put.begun);
  });
  if (removed) {
    return true;
  }
  for (std::uint32_t other = 1; other < puts_.size(); ++other) {
    const Put& later = puts_[other];
    const bool is_late = later.ended > put.begun || !later.is_acknowledged();
    if (other != number && later.key == put.key && is_late && later.may_be_stored() &&
        !is_durable(later)) {
      return true;  // it may have taken its place, and be gone
    }
  }
  return false;
}

bool Oracle::must_be_there(std::uint32_t key, std::string& why) const {
  for (std::uint32_t number = 1; number < puts_.size(); ++number) {
    const Put& put = puts_[number];
    if (put.key == key && put.is_acknowledged() && is_durable(put) && !is_overtaken(put, number)) {
      why = base::cat("put ", number, " was acknowledged, and is neither removed nor evicted");
      return true;
    }
  }
  return false;
}

}  // namespace aquifer::sim
