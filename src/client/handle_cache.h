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

#include "base/flat_map.h"
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
  /// What an entry is found by.
  struct Name {
    std::string_view name_space;
    std::string_view key;
    std::uint64_t hash = 0;
  };
  struct Entry {
    std::string text;  ///< the namespace, then the key
    std::size_t name_space_bytes = 0;
    std::uint64_t hash = 0;
    HandlePtr handle;

    Name name() const {
      const std::string_view whole(text);
      return {whole.substr(0, name_space_bytes), whole.substr(name_space_bytes), hash};
    }
  };
  using ByUse = std::list<Entry>;
  struct Hash {
    using is_transparent = void;
    using is_avalanching = void;
    std::size_t operator()(const Name& name) const { return name.hash; }
    std::size_t operator()(ByUse::iterator entry) const { return entry->hash; }
  };
  struct Equal {
    using is_transparent = void;
    static Name name_of(const Name& name) { return name; }
    static Name name_of(ByUse::iterator entry) { return entry->name(); }
    bool operator()(const auto& a, const auto& b) const {
      const Name left = name_of(a);
      const Name right = name_of(b);
      return left.hash == right.hash && left.key == right.key &&
             left.name_space == right.name_space;
    }
  };
  struct Shard {
    std::mutex mutex;
    ByUse by_use;  ///< latest first
    base::FlatSet<ByUse::iterator, Hash, Equal> by_name;
  };
  static Name named(std::string_view name_space, std::string_view key);
  Shard& shard_of(const Name& name) { return shards_[name.hash % kShards]; }

  const std::size_t per_shard_max_;
  std::array<Shard, kShards> shards_;
};

}  // namespace aquifer::client
