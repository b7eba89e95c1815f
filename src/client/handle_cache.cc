#include "client/handle_cache.h"

#include "base/hash.h"

namespace aquifer::client {

HandleCache::HandleCache(std::size_t handles_max)
    : per_shard_max_((handles_max + kShards - 1) / kShards) {}

HandleCache::Name HandleCache::named(std::string_view name_space, std::string_view key) {
  return {name_space, key,
          base::hash_bytes(key) ^ base::hash_bytes(name_space) * 0x9e3779b97f4a7c15u};
}

HandlePtr HandleCache::find(std::string_view name_space, std::string_view key) {
  if (per_shard_max_ == 0) {
    return nullptr;
  }
  const Name name = named(name_space, key);
  Shard& shard = shard_of(name);
  const std::lock_guard lock(shard.mutex);
  const auto found = shard.by_name.find(name);
  if (found == shard.by_name.end()) {
    return nullptr;
  }
  shard.by_use.splice(shard.by_use.begin(), shard.by_use, *found);
  return (*found)->handle;
}

void HandleCache::put(std::string_view name_space, std::string_view key, HandlePtr handle) {
  if (per_shard_max_ == 0) {
    return;
  }
  const Name name = named(name_space, key);
  Shard& shard = shard_of(name);
  const std::lock_guard lock(shard.mutex);
  if (const auto found = shard.by_name.find(name); found != shard.by_name.end()) {
    (*found)->handle = std::move(handle);
    shard.by_use.splice(shard.by_use.begin(), shard.by_use, *found);
    return;
  }
  if (shard.by_use.size() == per_shard_max_) {
    // The entry that goes lends its memory to the one that comes.
    const auto oldest = std::prev(shard.by_use.end());
    shard.by_name.erase(oldest);
    shard.by_use.splice(shard.by_use.begin(), shard.by_use, oldest);
  } else {
    shard.by_use.emplace_front();
  }
  Entry& entry = shard.by_use.front();
  entry.text.reserve(name_space.size() + key.size());
  entry.text.assign(name_space).append(key);
  entry.name_space_bytes = name_space.size();
  entry.hash = name.hash;
  entry.handle = std::move(handle);
  shard.by_name.insert(shard.by_use.begin());
}

void HandleCache::drop(std::string_view name_space, std::string_view key, const Handle* handle) {
  const Name name = named(name_space, key);
  Shard& shard = shard_of(name);
  const std::lock_guard lock(shard.mutex);
  const auto found = shard.by_name.find(name);
  if (found != shard.by_name.end() && (handle == nullptr || (*found)->handle.get() == handle)) {
    const auto entry = *found;
    shard.by_name.erase(found);
    shard.by_use.erase(entry);
  }
}

void HandleCache::clear() {
  for (Shard& shard : shards_) {
    const std::lock_guard lock(shard.mutex);
    shard.by_name.clear();
    shard.by_use.clear();
  }
}

}  // namespace aquifer::client
