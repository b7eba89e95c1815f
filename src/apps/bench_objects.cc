#include "apps/bench_objects.h"

#include <algorithm>
#include <chrono>
#include <utility>
#include <vector>

#include "base/strings.h"

namespace aquifer::apps {
namespace {

using Clock = std::chrono::steady_clock;

/// Adds a call that has just ended.
void count_call(BenchSample& sample, Clock::time_point begin) {
  const double seconds = std::chrono::duration<double>(Clock::now() - begin).count();
  sample.seconds += seconds;
  sample.milliseconds.push_back(seconds * 1e3);
}

}  // namespace

BenchObjects::BenchObjects(std::string prefix, std::uint64_t seed, unsigned replicas,
                           std::size_t ring, const BlockBuffers& source,
                           const BlockBuffers& destination)
    : prefix_(std::move(prefix)),
      seed_(seed),
      replicas_(replicas),
      ring_(ring),
      source_(source),
      destination_(destination) {}

std::uint64_t BenchObjects::object_bytes() const {
  std::uint64_t bytes = 0;
  for (const Piece& piece : source_.pieces(0)) bytes += piece.bytes;
  return bytes;
}

void BenchObjects::make_room(Client& client, std::size_t count) {
  if (live_.size() + count <= ring_) return;
  const std::size_t surplus = std::min(live_.size(), live_.size() + count - ring_);
  const std::vector<std::string_view> keys(live_.begin(),
                                           live_.begin() + static_cast<std::ptrdiff_t>(surplus));
  const auto statuses = client.remove_batch(keys);
  for (std::size_t i = 0; i < keys.size(); ++i) {
    if (statuses[i] == Status::kOk || statuses[i] == Status::kPending) continue;
    note_trouble(client, "remove", keys[i], statuses[i]);
  }
  live_.erase(live_.begin(), live_.begin() + static_cast<std::ptrdiff_t>(surplus));
  next_read_ -= std::min(next_read_, surplus);
}

/// The timed part of put(): the new keys stand at the end of live_ already.
void BenchObjects::put_slots(Client& client, SlotRange range, std::size_t batch,
                             BenchSample& sample) {
  const std::size_t first_key = live_.size() - range.count;
  for (std::size_t done = 0; done < range.count; done += batch) {
    std::vector<PutItem> items;
    for (std::size_t i = done; i < std::min(done + batch, range.count); ++i) {
      const std::size_t slot = (range.first + i) % source_.slots();
      items.push_back({live_[first_key + i], source_.const_pieces(slot)});
    }
    const auto begin = Clock::now();
    const auto statuses = client.put_batch(items, {.replicas = replicas_});
    count_call(sample, begin);
    for (std::size_t i = 0; i < items.size(); ++i) {
      if (statuses[i] == Status::kOk) {
        put_bytes_ += object_bytes();
        continue;
      }
      sample.verified = false;
      ++sample.failed;
      note_trouble(client, "put", items[i].key, statuses[i]);
    }
  }
}

BenchSample BenchObjects::put(Client& client, SlotRange range, std::size_t batch) {
  BenchSample sample{.objects = range.count};
  make_room(client, range.count);
  std::vector<std::string> keys;
  for (std::size_t i = 0; i < range.count; ++i) {
    keys.push_back(base::cat(prefix_, made_++));
    source_.fill((range.first + i) % source_.slots(), Content(keys.back(), seed_));
  }
  live_.insert(live_.end(), keys.begin(), keys.end());
  put_slots(client, range, batch, sample);
  BenchSample read_back{.objects = range.count};
  get_keys(client, keys, range, range.count, read_back);
  sample.verified = sample.verified && read_back.verified;
  return sample;
}

BenchSample BenchObjects::get(Client& client, SlotRange range, std::size_t batch) {
  BenchSample sample{.objects = range.count};
  std::vector<std::string> keys;
  for (std::size_t i = 0; i < range.count; ++i) {
    keys.push_back(live_[next_read_]);
    next_read_ = (next_read_ + 1) % live_.size();
  }
  get_keys(client, keys, range, batch, sample);
  return sample;
}

void BenchObjects::get_keys(Client& client, const std::vector<std::string>& keys, SlotRange range,
                            std::size_t batch, BenchSample& sample) {
  const auto slot_of = [&](std::size_t i) { return (range.first + i) % destination_.slots(); };
  for (std::size_t i = 0; i < range.count; ++i) destination_.poison(slot_of(i));
  for (std::size_t done = 0; done < range.count; done += batch) {
    std::vector<GetItem> items;
    for (std::size_t i = done; i < std::min(done + batch, range.count); ++i) {
      items.push_back({keys[i], destination_.pieces(slot_of(i))});
    }
    const auto begin = Clock::now();
    const auto outcomes = client.get_batch(items);
    count_call(sample, begin);
    for (std::size_t i = 0; i < items.size(); ++i) {
      if (outcomes[i].status == Status::kOk && outcomes[i].bytes == object_bytes()) {
        got_bytes_ += object_bytes();
        continue;
      }
      sample.verified = false;
      ++sample.failed;
      note_trouble(client, "get", items[i].key, outcomes[i].status);
    }
  }
  compare(keys, range, sample);
}

void BenchObjects::compare(const std::vector<std::string>& keys, SlotRange range,
                           BenchSample& sample) {
  if (std::exchange(is_wrong_byte_due_, false)) {
    const Piece& piece = destination_.pieces(range.first % destination_.slots()).back();
    static_cast<std::byte*>(piece.address)[piece.bytes - 1] ^= std::byte{0x40};
  }
  for (std::size_t i = 0; i < range.count; ++i) {
    const std::size_t slot = (range.first + i) % destination_.slots();
    const auto wrong = destination_.mismatch(slot, Content(keys[i], seed_));
    if (!wrong) continue;
    sample.verified = false;
    if (trouble_.empty()) trouble_ = base::cat("wrong byte at ", *wrong, " of ", keys[i]);
  }
}

bool BenchObjects::warm_up(Client& client, std::size_t objects, std::size_t batch) {
  bool is_good = true;
  for (std::size_t done = 0; done < objects; done += batch) {
    is_good = put(client, {done % source_.slots(), batch}, batch).verified && is_good;
  }
  return is_good;
}

void BenchObjects::remove_all(Client& client) {
  const std::vector<std::string_view> keys(live_.begin(), live_.end());
  if (!keys.empty()) (void)client.remove_batch(keys);
  live_.clear();
}

void BenchObjects::note_trouble(Client& client, std::string_view what, std::string_view key,
                                Status status) {
  if (!trouble_.empty()) return;
  trouble_ = base::cat(what, " of ", key, ": ", name_of(status));
  const Error last = client.last_error();
  if (last.code == status) trouble_ += " (" + last.message + ")";
}

}  // namespace aquifer::apps
