#include "client/written_ranges.h"

#include <gtest/gtest.h>

#include <random>
#include <vector>

namespace aquifer::client {
namespace {

TEST(WrittenRanges, MergesNeighboursInAnyOrder) {
  WrittenRanges ranges;
  EXPECT_EQ(ranges.leading(), 0U);
  EXPECT_TRUE(ranges.add(10, 20));
  EXPECT_EQ(ranges.leading(), 0U);
  EXPECT_TRUE(ranges.add(30, 40));
  EXPECT_TRUE(ranges.add(0, 10));
  EXPECT_EQ(ranges.leading(), 20U);
  EXPECT_TRUE(ranges.add(20, 30));
  EXPECT_EQ(ranges.leading(), 40U);
}

TEST(WrittenRanges, RefusesOverlapsAndStaysAsItWas) {
  WrittenRanges ranges;
  ASSERT_TRUE(ranges.add(10, 20));
  for (const auto& [first, end] : {std::pair{10, 20}, {5, 11}, {19, 25}, {12, 13}, {0, 100}}) {
    EXPECT_FALSE(ranges.add(first, end)) << first << ".." << end;
  }
  EXPECT_TRUE(ranges.add(0, 10));
  EXPECT_EQ(ranges.leading(), 20U);
}

TEST(WrittenRanges, AgreesWithABitmapOnRandomRanges) {
  std::mt19937 random(7);
  for (int round = 0; round < 200; ++round) {
    WrittenRanges ranges;
    std::vector<bool> written(64);
    for (int i = 0; i < 40; ++i) {
      const std::size_t first = random() % 64;
      const std::size_t end = first + 1 + random() % (64 - first);
      bool is_free = true;
      for (std::size_t at = first; at < end; ++at) is_free = is_free && !written[at];
      ASSERT_EQ(ranges.add(first, end), is_free);
      for (std::size_t at = first; at < end; ++at) written[at] = written[at] || is_free;
      std::size_t leading = 0;
      while (leading < 64 && written[leading]) ++leading;
      ASSERT_EQ(ranges.leading(), leading);
    }
  }
}

}  // namespace
}  // namespace aquifer::client
