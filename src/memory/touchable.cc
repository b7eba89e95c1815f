#include "memory/touchable.h"

#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <utility>

namespace aquifer::memory {
namespace {

constexpr std::size_t kPiecesAtOnce = 512;  // two bytes of each: IOV_MAX

/// Regions of 2 MiB in which a byte was read once: no memory of a device begins in the middle of
/// one, and a process that gave its own back since then is no worse off than by any copy.
class Known {
 public:
  bool has(const std::byte* address) const {
    const std::uintptr_t region = region_of(address);
    return place_of(region).load(std::memory_order_relaxed) == region + 1;
  }
  void add(const std::byte* address) {
    const std::uintptr_t region = region_of(address);
    place_of(region).store(region + 1, std::memory_order_relaxed);  // 0: none
  }

 private:
  using Place = std::atomic<std::uintptr_t>;
  static std::uintptr_t region_of(const std::byte* address) {
    return reinterpret_cast<std::uintptr_t>(address) >> 21;
  }
  Place& place_of(std::uintptr_t region) { return regions_[region % regions_.size()]; }
  const Place& place_of(std::uintptr_t region) const { return regions_[region % regions_.size()]; }

  std::array<Place, 4096> regions_{};
};

Known known;

/// Bytes that are read where they are, in one system call.
class Probe {
 public:
  /// False when it is full.
  bool add(std::size_t piece, const std::byte* address) {
    if (known.has(address)) return true;
    if (count_ == remote_.size()) return false;
    pieces_[count_] = piece;
    remote_[count_++] = {const_cast<std::byte*>(address), 1};
    return true;
  }

  /// The piece of the first byte that cannot be read.
  std::optional<std::size_t> run() {
    const std::size_t count = std::exchange(count_, 0);
    if (count == 0) return std::nullopt;
    const iovec local{bytes_.data(), count};
    const ssize_t read = process_vm_readv(getpid(), &local, 1, remote_.data(), count, 0);
    if (read < 0 && errno != EFAULT) return std::nullopt;
    const auto touched = static_cast<std::size_t>(std::max<ssize_t>(read, 0));
    for (std::size_t i = 0; i < touched; ++i) {
      known.add(static_cast<const std::byte*>(remote_[i].iov_base));
    }
    return touched < count ? std::optional(pieces_[touched]) : std::nullopt;
  }

 private:
  std::size_t count_ = 0;
  std::array<std::size_t, 2 * kPiecesAtOnce> pieces_;
  std::array<std::byte, 2 * kPiecesAtOnce> bytes_;
  std::array<iovec, 2 * kPiecesAtOnce> remote_;
};

bool all_known(std::span<const Piece> pieces) {
  return std::all_of(pieces.begin(), pieces.end(), [](const Piece& piece) {
    const auto* const begin = static_cast<const std::byte*>(piece.address);
    return piece.bytes == 0 || (known.has(begin) && known.has(begin + piece.bytes - 1));
  });
}

}  // namespace

std::optional<std::size_t> first_untouchable(std::span<const Piece> pieces) {
  if (all_known(pieces)) return std::nullopt;
  Probe probe;
  for (std::size_t i = 0; i < pieces.size(); ++i) {
    if (pieces[i].bytes == 0) continue;
    const auto* const begin = static_cast<const std::byte*>(pieces[i].address);
    for (const std::byte* const byte : {begin, begin + pieces[i].bytes - 1}) {
      if (probe.add(i, byte)) continue;
      if (const auto bad = probe.run()) return bad;
      probe.add(i, byte);
    }
  }
  return probe.run();
}

}  // namespace aquifer::memory
