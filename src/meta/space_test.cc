#include "meta/space.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "base/random.h"

namespace aquifer::meta {
namespace {

Space with_slots(std::uint32_t slots) {
  Space space;
  for (std::uint32_t slot = 0; slot < slots; ++slot) {
    space.add_slot({slot, 1});
  }
  return space;
}

std::vector<pool::Extent> extents_of(const std::optional<Placement>& placement) {
  const auto all = placement.value().extents.all();
  return {all.begin(), all.end()};
}

TEST(Space, NeighboursMergeWhicheverComesFirst) {
  Space space = with_slots(1);
  space.add_units({0, 10});
  space.add_units({20, 10});
  EXPECT_EQ(space.runs(), 2u);
  space.add_units({10, 10});  // fills the gap: one run on both sides
  EXPECT_EQ(space.runs(), 1u);
  space.add_units({31, 1});  // not a neighbour
  EXPECT_EQ(space.runs(), 2u);
  EXPECT_EQ(space.free_units(), 31u);
  EXPECT_EQ(extents_of(space.take(30)), (std::vector<pool::Extent>{{0, 30}}));
}

TEST(Space, TheSmallestRunThatFitsIsTaken) {
  Space space = with_slots(3);
  space.add_units({0, 100});
  space.add_units({200, 10});
  space.add_units({300, 20});
  EXPECT_EQ(extents_of(space.take(9)), (std::vector<pool::Extent>{{200, 9}}));
  EXPECT_EQ(extents_of(space.take(10)), (std::vector<pool::Extent>{{300, 10}}));
  EXPECT_EQ(extents_of(space.take(11)), (std::vector<pool::Extent>{{0, 11}}));
}

TEST(Space, AnObjectLargerThanEveryRunTakesTheLargestOnes) {
  Space space = with_slots(1);
  space.add_units({0, 5});
  space.add_units({10, 7});
  space.add_units({20, 3});
  const auto placement = space.take(11);
  ASSERT_TRUE(placement);
  EXPECT_EQ(extents_of(placement), (std::vector<pool::Extent>{{10, 7}, {0, 4}}));
  EXPECT_EQ(space.free_units(), 4u);
}

TEST(Space, LargeObjectsBeginAtMultiplesOfFourKibibytes) {
  Space space = with_slots(10);
  space.add_units({3, 1000});
  EXPECT_EQ(extents_of(space.take(kLargeUnits)), (std::vector<pool::Extent>{{8, kLargeUnits}}));
  EXPECT_EQ(extents_of(space.take(5)), (std::vector<pool::Extent>{{3, 5}})) << "what was in front";
  EXPECT_EQ(extents_of(space.take(1)), (std::vector<pool::Extent>{{136, 1}}));
  EXPECT_EQ(extents_of(space.take(200)), (std::vector<pool::Extent>{{144, 200}}));
  EXPECT_EQ(space.free_units(), 1000u - kLargeUnits - 5 - 1 - 200);
  // Exactly as many, but not from an aligned unit on: another run, or several.
  Space tight = with_slots(2);
  tight.add_units({1, 128});
  tight.add_units({200, 64});
  const auto placement = tight.take(128);
  ASSERT_TRUE(placement);
  EXPECT_EQ(extents_of(placement), (std::vector<pool::Extent>{{8, 121}, {200, 7}}));
  EXPECT_FALSE(tight.take(128)) << "no more than that";
  EXPECT_EQ(tight.free_units(), 7u + 57u);
}

TEST(Space, NothingIsTakenWhenItCannotBeWhole) {
  Space space = with_slots(0);
  space.add_units({0, 10});
  EXPECT_FALSE(space.take(1)) << "there is no slot";
  space.add_slot({0, 1});
  EXPECT_FALSE(space.take(0));
  EXPECT_FALSE(space.take(11));
  EXPECT_EQ(space.free_units(), 10u);
  EXPECT_EQ(space.free_slots(), 1u);
  // Enough in all, but cut into more runs than one object can have.
  Space cut = with_slots(1);
  for (std::uint32_t run = 0; run < pool::kExtentsMax + 1; ++run) {
    cut.add_units({run * 10, 2});
  }
  EXPECT_FALSE(cut.take(2 * pool::kExtentsMax + 1));
  EXPECT_EQ(cut.free_units(), 2 * (pool::kExtentsMax + 1));
  EXPECT_EQ(cut.free_slots(), 1u);
  EXPECT_TRUE(cut.take(2 * pool::kExtentsMax));
}

TEST(Space, FreeingTwiceIsAFailedCheckAndNotADoubleOwner) {
  Space space = with_slots(1);
  space.add_units({10, 10});
  EXPECT_ANY_THROW(space.add_units({10, 10}));
  EXPECT_ANY_THROW(space.add_units({19, 2}));
  EXPECT_ANY_THROW(space.add_units({5, 6}));
}

// Runs of free units in a bitmap, counted the slow way.
std::size_t runs_in(const std::vector<bool>& free) {
  std::size_t runs = 0;
  for (std::size_t unit = 0; unit < free.size(); ++unit) {
    runs += free[unit] && (unit == 0 || !free[unit - 1]) ? 1 : 0;
  }
  return runs;
}

TEST(Space, ARandomWalkAgreesWithABitmap) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    base::Random random(seed);
    constexpr std::uint32_t kUnits = 400;
    Space space = with_slots(40);
    space.add_units({0, kUnits});
    std::vector<bool> free(kUnits, true);
    std::vector<Placement> taken;
    for (int step = 0; step < 2000; ++step) {
      if (!taken.empty() && random.below(2) == 0) {
        std::swap(taken[random.below(taken.size())], taken.back());
        for (const pool::Extent& extent : taken.back().extents.all()) {
          space.add_units(extent);
          std::fill_n(free.begin() + extent.first_unit, extent.units, true);
        }
        space.add_slot(taken.back().slot);
        taken.pop_back();
      } else if (auto placement = space.take(static_cast<std::uint32_t>(1 + random.below(60)))) {
        ASSERT_LE(placement->extents.all().size(), pool::kExtentsMax);
        for (const pool::Extent& extent : placement->extents.all()) {
          for (std::uint32_t unit = 0; unit < extent.units; ++unit) {
            ASSERT_TRUE(free.at(extent.first_unit + unit)) << "given twice";
            free[extent.first_unit + unit] = false;
          }
        }
        for (const Placement& other : taken) {
          ASSERT_NE(other.slot.index, placement->slot.index);
        }
        taken.push_back(*std::move(placement));
      }
      ASSERT_EQ(space.free_units(),
                static_cast<std::uint64_t>(std::count(free.begin(), free.end(), true)));
      ASSERT_EQ(space.runs(), runs_in(free));
      ASSERT_EQ(space.free_slots() + taken.size(), 40u);
    }
  }
}

}  // namespace
}  // namespace aquifer::meta
