// The handles a client remembers, so that a hit needs no call to meta: bounded, the least recently
// used goes first. A handle promises verification, not presence; whoever finds it stale takes it
// out. Thread-safe, in shards.
#pragma once

#include <array>
#include <cstdint>
#include <list>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>

#include "client/handle.h"

namespace aquifer::client {

class HandleCache {
 public:
  explicit HandleCache(std::size_t handles_max);

  HandlePtr find(std::string_view name_space, std::string_view key);
  void put(std::string_view name_space, std::string_view key, HandlePtr handle);
  /// Takes the entry out if it is still this one (null: whichever it is).
  void drop(std::string_view name_space, std::string_view key, const Handle* handle);
  void clear();

 private:
  static constexpr std::size_t kShards = 16;
  struct Entry {
    std::string name;
    HandlePtr handle;
  };
  struct Shard {
    std::mutex mutex;
    std::list<Entry> by_use;  ///< latest first
    std::unordered_map<std::string_view, std::list<Entry>::iterator>
        by_name;  ///< keys point into the entries
  };
  Shard& shard_of(std::string_view name);

  const std::size_t per_shard_max_;
  std::array<Shard, kShards> shards_;
};

}  // namespace aquifer::client
