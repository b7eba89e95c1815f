#include "pool/segment.h"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

#include "base/random.h"

namespace aquifer::pool {
namespace {

class SegmentTest : public ::testing::Test {
 protected:
  SegmentTest()
      : shape_(SegmentShape::for_data(1 << 20)),
        memory_(shape_.total_bytes() + 4096),
        view_(SegmentView::format(base(), shape_, base::SegmentId{7}, base::NodeId{9})) {}
  std::byte* base() {
    return reinterpret_cast<std::byte*>((reinterpret_cast<std::uintptr_t>(memory_.data()) + 4095) /
                                        4096 * 4096);
  }

  SegmentShape shape_;
  std::vector<std::byte> memory_;
  SegmentView view_;
};

TEST_F(SegmentTest, WhatWasFormattedCanBeOpened) {
  const auto opened = SegmentView::open(base(), shape_.total_bytes());
  ASSERT_TRUE(opened.ok());
  EXPECT_EQ(opened->id(), base::SegmentId{7});
  EXPECT_EQ(opened->slot_count(), shape_.slot_count);
}

TEST_F(SegmentTest, EveryFlippedBitOfTheFixedHeaderIsRefused) {
  for (std::size_t bit = 0; bit < offsetof(SegmentHeader, live) * 8; ++bit) {
    base()[bit / 8] ^= std::byte(1 << (bit % 8));
    EXPECT_FALSE(SegmentView::open(base(), shape_.total_bytes()).ok()) << bit;
    base()[bit / 8] ^= std::byte(1 << (bit % 8));
  }
  EXPECT_FALSE(SegmentView::open(base(), shape_.total_bytes() - 1).ok());
}

TEST_F(SegmentTest, ExtentsOutsideTheDataOrOverlappingDoNotFit) {
  const auto units = static_cast<std::uint32_t>(shape_.data_bytes / kUnitBytes);
  using E = std::vector<Extent>;
  EXPECT_TRUE(view_.extents_fit(E{{0, units}}, shape_.data_bytes));
  EXPECT_TRUE(view_.extents_fit(E{{8, 4}, {0, 4}}, 8 * kUnitBytes));
  EXPECT_FALSE(view_.extents_fit(E{{0, units + 1}}, 1));
  EXPECT_FALSE(view_.extents_fit(E{{units, 1}}, 1));
  EXPECT_FALSE(view_.extents_fit(E{{UINT32_MAX, UINT32_MAX}}, 1));
  EXPECT_FALSE(view_.extents_fit(E{{0, 4}, {3, 4}}, 1));
  EXPECT_FALSE(view_.extents_fit(E{{0, 4}}, 4 * kUnitBytes + 1));
  EXPECT_FALSE(view_.extents_fit(E{{0, 0}}, 1));
  EXPECT_FALSE(view_.extents_fit(E{}, 1));
  EXPECT_FALSE(view_.extents_fit(E(9, Extent{0, 1}), 1));
}

TEST_F(SegmentTest, ContentComesBackAndAnyFlippedBitIsSeen) {
  SlotContent content;
  content.put = {3, 4};
  content.header_digest = 5;
  content.value_bytes = 1000;
  content.header_bytes = 128;
  content.extent_count = 1;
  content.extents[0] = {2, 3};
  Slot& slot = view_.slot(3);
  write_content(slot, 11, content);
  ASSERT_TRUE(read_content(slot, 11).has_value());
  EXPECT_EQ(read_content(slot, 11)->extents[0], (Extent{2, 3}));
  EXPECT_FALSE(read_content(slot, 12).has_value());
  auto* bytes = reinterpret_cast<std::byte*>(&slot.content);
  for (std::size_t bit = 0; bit < (sizeof content + 8) * 8; ++bit) {
    bytes[bit / 8] ^= std::byte(1 << (bit % 8));
    EXPECT_FALSE(read_content(slot, 11).has_value()) << bit;
    bytes[bit / 8] ^= std::byte(1 << (bit % 8));
  }
}

TEST_F(SegmentTest, AnAbortedPutWhoseWriterWakesUpLateCannotSeal) {
  Slot& slot = view_.slot(0);
  ASSERT_TRUE(swap_word(slot, {0, SlotState::kFree}, {1, SlotState::kGranted}));
  ASSERT_TRUE(swap_word(slot, {1, SlotState::kGranted}, {1, SlotState::kLimbo}));
  EXPECT_FALSE(swap_word(slot, {1, SlotState::kGranted}, {1, SlotState::kSealed}));
  // The writer is gone and the slot is granted again: the old generation still cannot seal.
  ASSERT_TRUE(swap_word(slot, {1, SlotState::kLimbo}, {2, SlotState::kGranted}));
  EXPECT_FALSE(swap_word(slot, {1, SlotState::kGranted}, {1, SlotState::kSealed}));
  EXPECT_TRUE(swap_word(slot, {2, SlotState::kGranted}, {2, SlotState::kSealed}));
}

TEST_F(SegmentTest, RaceBetweenSealAndFenceHasExactlyOneWinner) {
  for (std::uint64_t generation = 1; generation < 2000; ++generation) {
    Slot& slot = view_.slot(1);
    slot.word.store(SlotWord{generation, SlotState::kGranted}.raw());
    bool sealed = false;
    bool fenced = false;
    std::thread writer([&] {
      sealed = swap_word(slot, {generation, SlotState::kGranted}, {generation, SlotState::kSealed});
    });
    fenced = swap_word(slot, {generation, SlotState::kGranted}, {generation, SlotState::kLimbo});
    writer.join();
    ASSERT_NE(sealed, fenced);
  }
}

}  // namespace
}  // namespace aquifer::pool
