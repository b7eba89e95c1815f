// A hash table from 32 bits of a hash to the number of a record that lies elsewhere: eight bytes an
// entry, whatever the key, because the key stands in the record. Whoever looks something up says
// which record is meant, so two keys that share their 32 bits are told apart.
//
// It grows by a page at a time (extendible hashing, Fagin, Nievergelt, Pippenger, Strong 1979): the
// first bits of the hash choose a page of 16 KiB by a directory, the last bits a place in it, from
// which entries follow each other. A page that is three quarters full becomes two. So no insertion
// moves more than one page, and there is never an old table beside a new one.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <vector>

namespace aquifer::base {

class IndexTable {
 public:
  static constexpr std::uint32_t kNone = UINT32_MAX;

  IndexTable();

  /// The index under `hash` of which `is(index)` says that it is meant; kNone: there is none.
  template <class Is>
  std::uint32_t find(std::uint32_t hash, Is is) const {
    const Page& page = page_of(hash);
    for (std::uint32_t at = home(hash);; at = next(at)) {
      const Entry entry = page.entries[at];
      if (entry.index == kNone || (entry.hash == hash && is(entry.index))) {
        return entry.index;
      }
    }
  }
  /// The first index under `hash`, most likely the right one: to fetch its record ahead of need.
  std::uint32_t guess(std::uint32_t hash) const {
    return find(hash, [](std::uint32_t) { return true; });
  }
  /// Asks for the memory that find() will look at. Always inline, as all of this kind: a call of a
  /// function that does nothing else has no effect to GCC, and is left out.
  [[gnu::always_inline]] void prefetch(std::uint32_t hash) const {
    __builtin_prefetch(&page_of(hash).entries[home(hash)]);
  }

  /// Asks for the memory that find() and insert() will look at.
  [[gnu::always_inline]] void prefetch_insert(std::uint32_t hash) const {
    const Page& page = page_of(hash);
    __builtin_prefetch(&page.entries[home(hash)], 1);
    __builtin_prefetch(&page.count, 1);
  }

  /// Requires that `index` is not kNone, and is not there. Of one value of the hash there may be
  /// some entries, not hundreds.
  void insert(std::uint32_t hash, std::uint32_t index);
  /// Requires that it is there.
  void erase(std::uint32_t hash, std::uint32_t index);
  /// `index` takes the place of `before`. Requires that that is there.
  void replace(std::uint32_t hash, std::uint32_t before, std::uint32_t index);

  std::uint64_t size() const { return size_; }

 private:
  struct Entry {
    std::uint32_t hash = 0;
    std::uint32_t index = kNone;
  };
  static constexpr std::uint32_t kPlaces = 2048;
  static constexpr std::uint32_t kFull = kPlaces / 4 * 3;
  static constexpr unsigned kDepthMax = 32 - 11;  // the other bits are the place

  struct alignas(64) Page {
    std::array<Entry, kPlaces> entries{};
    std::uint32_t count = 0;
    unsigned depth = 0;  ///< number of leading bits that all its hashes have in common
  };

  static std::uint32_t home(std::uint32_t hash) { return hash % kPlaces; }
  static std::uint32_t next(std::uint32_t place) { return (place + 1) % kPlaces; }
  // Shifted in 64 bits: by 32 when there is one page.
  std::size_t page_number(std::uint32_t hash) const {
    return static_cast<std::size_t>(std::uint64_t{hash} >> (32 - depth_));
  }
  const Page& page_of(std::uint32_t hash) const { return *directory_[page_number(hash)]; }
  Page& page_of(std::uint32_t hash) { return *directory_[page_number(hash)]; }
  static void put(Page& page, Entry entry);
  static std::uint32_t place_of(const Page& page, std::uint32_t hash, std::uint32_t index);
  void split(Page& page, std::uint32_t hash);

  std::vector<std::unique_ptr<Page>> pages_;
  std::vector<Page*> directory_;  ///< by the first `depth_` bits
  unsigned depth_ = 0;
  std::uint64_t size_ = 0;
};

}  // namespace aquifer::base
