// A vector that grows by a chunk at a time: its elements never move, growing copies nothing, and at
// no moment is there an old copy beside a new one. For tables of millions of small records.
#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <vector>

namespace aquifer::base {

template <class T, std::size_t kChunk = 4096>
class ChunkedVector {
  static_assert((kChunk & (kChunk - 1)) == 0, "indexes are split by shifting");

 public:
  T& operator[](std::size_t index) { return (*chunks_[index / kChunk])[index % kChunk]; }
  const T& operator[](std::size_t index) const {
    return (*chunks_[index / kChunk])[index % kChunk];
  }
  std::size_t size() const { return size_; }

  /// Makes it at least `size` long; what is new is T{}.
  void grow_to(std::size_t size) {
    while (chunks_.size() * kChunk < size) {
      chunks_.push_back(std::make_unique<Chunk>());
    }
    size_ = size > size_ ? size : size_;
  }

 private:
  using Chunk = std::array<T, kChunk>;
  std::vector<std::unique_ptr<Chunk>> chunks_;
  std::size_t size_ = 0;
};

}  // namespace aquifer::base
