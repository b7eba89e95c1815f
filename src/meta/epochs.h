// The epochs of the puts in the directory, by small numbers: nearly always one, more where objects
// have outlived a meta. An epoch goes when its last replica does.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

namespace aquifer::meta {

class Epochs {
 public:
  static constexpr std::size_t kMax = 1u << 15;

  /// The number of an epoch, counted as used once more; nothing when there are too many.
  std::optional<std::uint16_t> take(std::uint64_t epoch);
  /// Ends one use.
  void release(std::uint16_t number) { --entries_[number].uses; }
  std::uint64_t operator[](std::uint16_t number) const { return entries_[number].epoch; }

 private:
  struct Entry {
    std::uint64_t epoch = 0;
    std::uint64_t uses = 0;
  };
  std::vector<Entry> entries_;
  std::uint16_t latest_ = 0;  ///< looked at first
};

inline std::optional<std::uint16_t> Epochs::take(std::uint64_t epoch) {
  if (latest_ >= entries_.size() || entries_[latest_].epoch != epoch) {
    std::size_t free = entries_.size();
    std::size_t found = entries_.size();
    for (std::size_t i = 0; i < entries_.size() && found == entries_.size(); ++i) {
      if (entries_[i].epoch == epoch) {
        found = i;
      } else if (entries_[i].uses == 0) {
        free = i;
      }
    }
    if (found == entries_.size()) {
      if (free == kMax) {
        return std::nullopt;
      }
      if (free == entries_.size()) {
        entries_.emplace_back();
      }
      entries_[free] = {epoch, 0};
      found = free;
    }
    latest_ = static_cast<std::uint16_t>(found);
  }
  ++entries_[latest_].uses;
  return latest_;
}

}  // namespace aquifer::meta
