#include "client/handle_cache.h"

#include "base/hash.h"

namespace aquifer::client {
namespace {

// The pair of names as one string, without an allocation per call. A namespace holds no zero byte.
std::string_view joined(std::string_view name_space, std::string_view key) {
  thread_local std::string name;
  name.assign(name_space);
  name.push_back('\0');
  name.append(key);
  return name;
}

}  // namespace

HandleCache::HandleCache(std::size_t handles_max)
    : per_shard_max_((handles_max + kShards - 1) / kShards) {}

HandleCache::Shard& HandleCache::shard_of(std::string_view name) {
  return shards_[base::hash_bytes(name) % kShards];
}

HandlePtr HandleCache::find(std::string_view name_space, std::string_view key) {
  const std::string_view name = joined(name_space, key);
  Shard& shard = shard_of(name);
  const std::lock_guard lock(shard.mutex);
  const auto found = shard.by_name.find(name);
  if (found == shard.by_name.end()) {
    return nullptr;
  }
  shard.by_use.splice(shard.by_use.begin(), shard.by_use, found->second);
  return found->second->handle;
}

void HandleCache::put(std::string_view name_space, std::string_view key, HandlePtr handle) {
  if (per_shard_max_ == 0) {
    return;
  }
  const std::string_view name = joined(name_space, key);
  Shard& shard = shard_of(name);
  const std::lock_guard lock(shard.mutex);
  if (const auto found = shard.by_name.find(name); found != shard.by_name.end()) {
    found->second->handle = std::move(handle);
    shard.by_use.splice(shard.by_use.begin(), shard.by_use, found->second);
    return;
  }
  shard.by_use.push_front({std::string(name), std::move(handle)});
  shard.by_name.emplace(shard.by_use.front().name, shard.by_use.begin());
  if (shard.by_use.size() > per_shard_max_) {
    shard.by_name.erase(shard.by_use.back().name);
    shard.by_use.pop_back();
  }
}

void HandleCache::drop(std::string_view name_space, std::string_view key, const Handle* handle) {
  const std::string_view name = joined(name_space, key);
  Shard& shard = shard_of(name);
  const std::lock_guard lock(shard.mutex);
  const auto found = shard.by_name.find(name);
  if (found != shard.by_name.end() &&
      (handle == nullptr || found->second->handle.get() == handle)) {
    const auto entry = found->second;
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
