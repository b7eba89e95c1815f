// What a View holds: the slot in mapped memory, or a copy. Keeps the mapping, and with it the lock
// by which the node knows that this process lives.
#pragma once

#include <array>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "client/transfer.h"

namespace aquifer::client {

class ViewState {
 public:
  /// In place. Requires that the slot has been entered; leaves it in the end.
  ViewState(const Transfer& transfer, HandlePtr handle);
  /// A copy.
  explicit ViewState(std::vector<std::byte> copy);
  ~ViewState();

  std::span<const ConstPiece> pieces() const { return {pieces_.data(), piece_count_}; }
  std::uint64_t bytes() const;
  bool is_copy() const { return mapped_ == nullptr; }
  Status verify() const;

 private:
  const int process_;
  const HandlePtr handle_;
  const ReplicaPlace place_{};
  const std::string name_space_;
  const std::string key_;
  const std::shared_ptr<MappedSegment> mapped_;
  const std::vector<std::byte> copy_;
  std::array<ConstPiece, pool::kExtentsMax> pieces_{};
  std::size_t piece_count_ = 0;
};

}  // namespace aquifer::client
