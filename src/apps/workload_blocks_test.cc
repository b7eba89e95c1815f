#include "apps/workload_blocks.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <utility>

namespace aquifer::apps {
namespace {

TEST(BlockShape, OfDeepseekR1Is8784KiBIn122Pieces) {
  const BlockShape shape = deepseek_r1_shape();
  EXPECT_EQ(shape.size(), 122u);
  EXPECT_EQ(bytes_of(shape), 8784u << 10);
  EXPECT_EQ(std::count(shape.begin(), shape.end(), 128u << 10), 61);
  EXPECT_EQ(std::count(shape.begin(), shape.end(), 16u << 10), 61);
}

TEST(BlockBuffers, PiecesOfABlockAreApartAndNoTwoOverlap) {
  const BlockShape shape{100, 24, 100};
  const auto buffers = BlockBuffers::make(shape, 3);
  ASSERT_TRUE(buffers.ok());
  std::vector<std::pair<std::uintptr_t, std::size_t>> ranges;
  for (std::size_t slot = 0; slot < 3; ++slot) {
    const auto pieces = buffers->pieces(slot);
    ASSERT_EQ(pieces.size(), shape.size());
    for (std::size_t i = 0; i < pieces.size(); ++i) {
      EXPECT_EQ(pieces[i].bytes, shape[i]);
      EXPECT_EQ(pieces[i].address, buffers->const_pieces(slot)[i].address);
      ranges.emplace_back(reinterpret_cast<std::uintptr_t>(pieces[i].address), pieces[i].bytes);
    }
    for (std::size_t i = 1; i < pieces.size(); ++i) {
      EXPECT_NE(static_cast<std::byte*>(pieces[i - 1].address) + pieces[i - 1].bytes,
                pieces[i].address);
    }
  }
  std::sort(ranges.begin(), ranges.end());
  for (std::size_t i = 1; i < ranges.size(); ++i) {
    EXPECT_LE(ranges[i - 1].first + ranges[i - 1].second, ranges[i].first);
  }
}

TEST(BlockBuffers, WhatIsFilledMatchesUntilAByteIsWrong) {
  const auto buffers = BlockBuffers::make({100, 24, 100}, 2);
  ASSERT_TRUE(buffers.ok());
  const Content content("key", 5);
  buffers->fill(0, content);
  buffers->fill(1, Content("other", 5));
  EXPECT_EQ(buffers->mismatch(0, content), std::nullopt);
  EXPECT_NE(buffers->mismatch(1, content), std::nullopt);
  static_cast<std::byte*>(buffers->pieces(0)[1].address)[3] ^= std::byte{1};
  EXPECT_EQ(buffers->mismatch(0, content), 103u);
  buffers->poison(0);
  EXPECT_EQ(buffers->mismatch(0, content).value_or(99) / 8, 0u);
}

}  // namespace
}  // namespace aquifer::apps
