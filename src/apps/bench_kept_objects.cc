#include "apps/bench_kept_objects.h"

#include <algorithm>
#include <chrono>
#include <utility>
#include <vector>

#include "base/strings.h"

namespace aquifer::apps {
namespace {

constexpr std::size_t kRoomBytes = 64u << 20;
constexpr std::size_t kBatchMax = 512;
constexpr std::chrono::seconds kPatience{60};

}  // namespace

KeptObjects::KeptObjects(BlockBuffers room, std::string prefix, std::size_t object_bytes,
                         std::size_t count, std::uint64_t seed, unsigned replicas)
    : room_(std::move(room)),
      prefix_(std::move(prefix)),
      object_bytes_(object_bytes),
      count_(count),
      seed_(seed),
      replicas_(replicas) {}

Result<KeptObjects> KeptObjects::make(std::string prefix, const BlockShape& shape,
                                      std::size_t count, std::uint64_t seed, unsigned replicas) {
  const std::size_t bytes = bytes_of(shape);
  auto room = BlockBuffers::make(
      shape, std::clamp<std::size_t>(kRoomBytes / bytes, 1, std::min(kBatchMax, count)));
  if (!room) return room.error();
  return KeptObjects(std::move(*room), std::move(prefix), bytes, count, seed, replicas);
}

std::string KeptObjects::key(std::size_t number) const { return base::cat(prefix_, number); }

Result<void> KeptObjects::put_all(Client& client, Progress& progress) const {
  progress.begin(count_);
  for (std::size_t first = 0; first < count_; first += room_.slots()) {
    std::vector<std::string> keys;
    std::vector<PutItem> items;
    const std::size_t batch = std::min(room_.slots(), count_ - first);
    for (std::size_t slot = 0; slot < batch; ++slot) {
      room_.fill(slot, content(first + slot));
      keys.push_back(key(first + slot));
    }
    for (std::size_t slot = 0; slot < batch; ++slot) {
      items.push_back({keys[slot], room_.const_pieces(slot)});
    }
    PutOptions options{.replicas = replicas_};
    options.call.timeout = kPatience;
    for (const Status status : client.put_batch(items, options)) {
      if (status != Status::kOk) return Error{status, "the pool refused a put", ""};
    }
    progress.advance(batch);
  }
  return {};
}

Result<void> KeptObjects::remove_all(Client& client) const {
  for (std::size_t first = 0; first < count_; first += kBatchMax) {
    std::vector<std::string> keys;
    for (std::size_t i = first; i < std::min(count_, first + kBatchMax); ++i) {
      keys.push_back(key(i));
    }
    const std::vector<std::string_view> views(keys.begin(), keys.end());
    for (const Status status : client.remove_batch(views, {.timeout = kPatience})) {
      if (status != Status::kOk) return Error{status, "the pool did not remove an object", ""};
    }
  }
  return {};
}

bool KeptObjects::reads(Client& client, std::size_t number) const {
  return lost(client, number, 1) == 0;
}

std::size_t KeptObjects::lost(Client& client, std::size_t first, std::size_t count) const {
  std::vector<std::string> keys;
  std::vector<GetItem> items;
  for (std::size_t slot = 0; slot < count; ++slot) {
    room_.poison(slot);
    keys.push_back(key(first + slot));
  }
  for (std::size_t slot = 0; slot < count; ++slot) {
    items.push_back({keys[slot], room_.pieces(slot)});
  }
  const auto outcomes = client.get_batch(items);
  std::size_t lost = 0;
  for (std::size_t slot = 0; slot < count; ++slot) {
    const bool right = outcomes[slot].status == Status::kOk &&
                       outcomes[slot].bytes == object_bytes_ &&
                       !room_.mismatch(slot, content(first + slot));
    lost += right ? 0 : 1;
  }
  return lost;
}

Result<std::size_t> KeptObjects::lost(const std::string& meta, Progress& progress) const {
  auto client = Client::open({.meta = meta, .transport = Transport::kShm, .timeout = kPatience});
  if (!client) return client.error();
  std::size_t lost_so_far = 0;
  progress.begin(count_);
  for (std::size_t first = 0; first < count_; first += room_.slots()) {
    const std::size_t batch = std::min(room_.slots(), count_ - first);
    lost_so_far += lost(*client, first, batch);
    progress.advance(batch);
  }
  return lost_so_far;
}

}  // namespace aquifer::apps
