#include "memory/touchable.h"

#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

namespace aquifer::memory {
namespace {

constexpr std::size_t kPiecesAtOnce = 512;  // two bytes of each: IOV_MAX

}  // namespace

std::optional<std::size_t> first_untouchable(std::span<const Piece> pieces) {
  std::array<std::byte, 2 * kPiecesAtOnce> bytes;
  std::array<iovec, 2 * kPiecesAtOnce> remote;
  for (std::size_t first = 0; first < pieces.size(); first += kPiecesAtOnce) {
    const auto some = pieces.subspan(first, std::min(kPiecesAtOnce, pieces.size() - first));
    std::size_t count = 0;
    for (const Piece& piece : some) {
      auto* const begin = static_cast<std::byte*>(piece.address);
      remote[count++] = {begin, 1};
      remote[count++] = {begin + piece.bytes - 1, 1};
    }
    const iovec local{bytes.data(), count};
    const ssize_t read = process_vm_readv(getpid(), &local, 1, remote.data(), count, 0);
    if (read < 0 && errno != EFAULT) {
      return std::nullopt;
    }
    const auto touched = static_cast<std::size_t>(std::max<ssize_t>(read, 0));
    if (touched < count) {
      return first + touched / 2;
    }
  }
  return std::nullopt;
}

}  // namespace aquifer::memory
