// Values that lie in many pieces: walking two lists of pieces side by side and copying between
// them.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>

#include "aquifer/types.h"
#include "memory/digest.h"

namespace aquifer::memory {

/// The sum of their sizes; the largest number where it does not fit.
template <class P>
std::uint64_t total_bytes(std::span<const P> pieces) {
  std::uint64_t sum = 0;
  for (const P& piece : pieces) {
    sum = piece.bytes > UINT64_MAX - sum ? UINT64_MAX : sum + piece.bytes;
  }
  return sum;
}

/// A place in the concatenation of pieces. Trivially destructible, so it may live inside a fault
/// guard. The pieces outlive it.
template <class P>
class Cursor {
 public:
  /// Starts `offset` bytes into the pieces.
  Cursor(std::span<const P> pieces, std::uint64_t offset) : pieces_(pieces) { skip(offset); }

  /// The rest of the current piece, at most `bytes`; zero only at the end.
  std::size_t run(std::uint64_t bytes) {
    while (index_ < pieces_.size() && within_ == pieces_[index_].bytes) {
      ++index_;
      within_ = 0;
    }
    return index_ == pieces_.size() ? 0
                                    : static_cast<std::size_t>(std::min<std::uint64_t>(
                                          bytes, pieces_[index_].bytes - within_));
  }

  auto address() const {
    using Byte = std::conditional_t<std::is_same_v<P, Piece>, char, const char>;
    return static_cast<Byte*>(pieces_[index_].address) + within_;
  }

  void advance(std::size_t bytes) { within_ += bytes; }

 private:
  void skip(std::uint64_t bytes) {
    while (index_ < pieces_.size() && bytes >= pieces_[index_].bytes) {
      bytes -= pieces_[index_++].bytes;
    }
    within_ = index_ < pieces_.size() ? static_cast<std::size_t>(bytes) : 0;
  }

  std::span<const P> pieces_;
  std::size_t index_ = 0;
  std::size_t within_ = 0;
};

/// Copies `bytes` bytes from one list of pieces to another, digesting on the way; both cursors move
/// on. Requires that both hold that many.
template <class From>
std::uint64_t copy_digest(std::uint64_t state, Cursor<Piece>& to, Cursor<From>& from,
                          std::uint64_t bytes, Stores stores) {
  while (bytes > 0) {
    const std::size_t run = std::min(to.run(bytes), from.run(bytes));
    if (run == 0) {
      break;
    }
    state = copy_digest(state, to.address(), from.address(), run, stores);
    to.advance(run);
    from.advance(run);
    bytes -= run;
  }
  return state;
}

/// Digests `bytes` bytes of a list of pieces; the cursor moves on.
template <class P>
std::uint64_t digest(std::uint64_t state, Cursor<P>& from, std::uint64_t bytes) {
  while (bytes > 0) {
    const std::size_t run = from.run(bytes);
    if (run == 0) {
      break;
    }
    state = digest(state, from.address(), run);
    from.advance(run);
    bytes -= run;
  }
  return state;
}

}  // namespace aquifer::memory
