// What all threads of all processes of a contention test share, in memory that outlives any of
// them: which versions exist, which are the oldest that may still be read, counts, and the first
// fault. Nothing here waits for anybody, so a killed process leaves it usable.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/unique_fd.h"
#include "values.h"

namespace aquifer::contention {

/// The calls that are made, as rows of the counts.
enum class Call : std::uint8_t {
  kPut,
  kPutIfAbsent,
  kPutBatch,
  kReplace,
  kOpenPut,
  kRemove,
  kGet,
  kGetBatch,
  kGetRange,
  kView,
  kExists,
  kPin,
  kList,
  kEnd
};
std::string_view name_of(Call call);

inline constexpr std::uint32_t kOwnersMax = 1024;
inline constexpr std::uint32_t kKeysEach = 240;

class Board {
 public:
  /// Memory of its own, and a descriptor of it that a child process inherits.
  static Board* make(int& descriptor);
  /// The board of the parent.
  static Board* open(int descriptor);
  /// Gives back what make() took.
  static void drop(Board* board, int descriptor);

  // Writers. Each key has one writer, its owner; an owner that was killed has no successor.
  std::uint32_t new_owner() { return owners_++; }
  std::uint32_t new_version(const ValueId& key) { return ++entry(key).latest; }
  /// Every get that starts from now on brings this version or a later one.
  void replaced(const ValueId& id) { entry(id).floor = id.version; }

  // Readers.
  std::uint32_t owners() const { return owners_; }
  std::uint32_t floor(const ValueId& key) { return entry(key).floor; }
  std::uint32_t latest(const ValueId& key) { return entry(key).latest; }

  void count(Call call, Status status);
  std::uint64_t total(Call call, Status status) const;
  /// The counts as a table, calls that were never made left out.
  std::string table() const;

  /// Notes what must not happen; the first one is kept in words.
  void fault(std::string_view words);
  std::uint64_t faults() const { return faults_; }
  std::string first_fault() const { return first_fault_.data(); }

  void stop() { stop_ = true; }
  bool stopped() const { return stop_; }

 private:
  struct Entry {
    std::atomic<std::uint32_t> latest;
    std::atomic<std::uint32_t> floor;
  };
  static constexpr std::size_t kStatuses = 64;

  Entry& entry(const ValueId& key) { return entries_[key.owner][key.number]; }

  std::atomic<bool> stop_;
  std::atomic<std::uint32_t> owners_;
  std::array<std::array<std::atomic<std::uint64_t>, kStatuses>,
             static_cast<std::size_t>(Call::kEnd)>
      counts_;
  std::array<std::array<Entry, kKeysEach>, kOwnersMax> entries_;
  std::atomic<std::uint64_t> faults_;
  std::array<char, 512> first_fault_;
};
static_assert(std::atomic<std::uint64_t>::is_always_lock_free);

}  // namespace aquifer::contention
