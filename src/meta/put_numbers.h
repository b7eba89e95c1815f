// The numbers of the puts of one epoch, given out in a row, and what became of each: open, or how
// it ended, so that a commit that is repeated gets its first answer. Numbers in a row need no hash
// table: blocks of them lie one after the other, and go when all in them have ended long ago.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>

#include "aquifer/types.h"

namespace aquifer::meta {

class PutNumbers {
 public:
  static constexpr std::uint32_t kNone = UINT32_MAX;
  /// An outcome is known until this many puts have ended after it, or longer.
  static constexpr std::uint64_t kOutcomes = 1u << 16;

  /// The next number, from 1 on, for the open put that `put` names.
  std::uint64_t begin(std::uint32_t put);
  /// The open put of this number; kNone: it has ended, or there was never one.
  std::uint32_t find(std::uint64_t number) const;
  /// The latest number given out; 0: none.
  std::uint64_t last() const { return last_; }
  /// Requires that it is open.
  void end(std::uint64_t number, Status outcome);
  /// How it ended; nothing when it has not, or is not known any more.
  std::optional<Status> outcome(std::uint64_t number) const;
  /// More is known by now of one that has ended; nothing where it has been forgotten.
  void amend(std::uint64_t number, Status outcome);

 private:
  struct Entry {
    std::uint32_t put = kNone;
    Status outcome = Status::kOk;
  };
  static constexpr std::uint64_t kBlock = 128;
  struct Block {
    std::array<Entry, kBlock> entries;
    std::uint64_t open = 0;
  };
  /// A block in which nothing will happen any more.
  struct Ended {
    std::uint64_t block = 0;
    std::uint64_t when = 0;  ///< the number of puts that had ended then
  };

  Block* block_of(std::uint64_t number) const;
  void forget();

  std::uint64_t last_ = 0;
  std::uint64_t ended_ = 0;
  std::deque<std::unique_ptr<Block>> blocks_;  ///< null: forgotten
  std::uint64_t first_block_ = 0;              ///< what blocks_ begins with
  std::deque<Ended> to_forget_;                ///< oldest first
};

}  // namespace aquifer::meta
