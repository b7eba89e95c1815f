#include "meta/extents.h"

#include <gtest/gtest.h>

#include <utility>
#include <vector>

namespace aquifer::meta {
namespace {

std::vector<pool::Extent> list(const Extents& extents) {
  return {extents.all().begin(), extents.all().end()};
}

TEST(Extents, HoldAsManyAsAnObjectCanHaveInTheirOrder) {
  Extents extents;
  EXPECT_TRUE(extents.all().empty());
  std::vector<pool::Extent> expected;
  for (std::uint32_t i = 0; i < pool::kExtentsMax; ++i) {
    expected.push_back({i * 10, i + 1});
    extents.push_back(expected.back());
    EXPECT_EQ(list(extents), expected);
  }
  EXPECT_EQ(extents.units(), 36u);
  EXPECT_ANY_THROW(extents.push_back({0, 1})) << "one more";
  EXPECT_EQ(list(extents), expected);
}

TEST(Extents, MoveAndLeaveNothingBehind) {
  for (const std::size_t count : {1u, 3u}) {
    Extents from(std::vector<pool::Extent>(count, {5, 2}));
    Extents to = std::move(from);
    EXPECT_EQ(to.units(), 2 * count);
    EXPECT_TRUE(list(from).empty());
    Extents assigned(std::vector<pool::Extent>(2, {1, 1}));
    assigned = std::move(to);
    EXPECT_EQ(assigned.units(), 2 * count);
    assigned.clear();
    EXPECT_TRUE(list(assigned).empty());
  }
}

TEST(Extents, RefuseWhatCannotBeOne) {
  Extents extents;
  EXPECT_ANY_THROW(extents.push_back({0, 0}));
  EXPECT_ANY_THROW(extents.push_back({0, 1u << 31}));
}

}  // namespace
}  // namespace aquifer::meta
