#include "apps/pressure_load.h"

#include <gtest/gtest.h>

#include <set>

namespace aquifer::apps {
namespace {

constexpr std::uint64_t kGibibyte = std::uint64_t{1} << 30;

TEST(PressureLoad, BlocksAllHaveTheSizeOfTheTestBlock) {
  const PressureLoad load(PressureShape::kBlock, 4 * kGibibyte, 1);
  for (std::uint64_t number = 0; number < 100; ++number) {
    EXPECT_EQ(load.bytes(number), 8784u << 10);
  }
}

TEST(PressureLoad, RandomSizesFillTheirRangeEvenly) {
  const PressureLoad load(PressureShape::kRandom, 4 * kGibibyte, 1);
  constexpr std::uint64_t kCount = 10'000;
  std::uint64_t sum = 0;
  std::uint64_t smallest = kGibibyte;
  std::uint64_t largest = 0;
  for (std::uint64_t number = 0; number < kCount; ++number) {
    const std::uint64_t bytes = load.bytes(number);
    sum += bytes;
    smallest = std::min(smallest, bytes);
    largest = std::max(largest, bytes);
  }
  EXPECT_GE(smallest, 4u << 10);
  EXPECT_LE(largest, 32u << 20);
  EXPECT_LT(smallest, 1u << 20);
  EXPECT_GT(largest, 31u << 20);
  EXPECT_NEAR(static_cast<double>(sum) / kCount, static_cast<double>(load.mean()), 0.5 * (1 << 20));
}

TEST(PressureLoad, ASmallPoolGetsObjectsOfWhichItHoldsMany) {
  EXPECT_EQ(PressureLoad(PressureShape::kRandom, 64 << 20, 1).largest(), 4u << 20);
}

TEST(PressureLoad, TheSameSeedGivesTheSameObjects) {
  const PressureLoad one(PressureShape::kRandom, kGibibyte, 7);
  const PressureLoad same(PressureShape::kRandom, kGibibyte, 7);
  const PressureLoad other(PressureShape::kRandom, kGibibyte, 8);
  std::set<std::string> keys;
  bool differs = false;
  for (std::uint64_t number = 0; number < 100; ++number) {
    EXPECT_EQ(one.bytes(number), same.bytes(number));
    differs |= one.bytes(number) != other.bytes(number);
    keys.insert(one.key(number));
  }
  EXPECT_TRUE(differs);
  EXPECT_EQ(keys.size(), 100u);
}

TEST(PressureBuffer, HasThePiecesOfEachObject) {
  const PressureLoad random(PressureShape::kRandom, 64 << 20, 1);
  auto buffer = PressureBuffer::make(random);
  ASSERT_TRUE(buffer.ok());
  for (std::uint64_t number = 0; number < 10; ++number) {
    const auto pieces = buffer->pieces(number);
    ASSERT_EQ(pieces.size(), 1u);
    EXPECT_EQ(pieces[0].bytes, random.bytes(number));
  }
  const PressureLoad blocks(PressureShape::kBlock, 64 << 20, 1);
  auto scattered = PressureBuffer::make(blocks);
  ASSERT_TRUE(scattered.ok());
  const auto pieces = scattered->const_pieces(3);
  ASSERT_EQ(pieces.size(), 122u);
  for (std::size_t i = 1; i < pieces.size(); ++i) {
    const auto* end = static_cast<const std::byte*>(pieces[i - 1].address) + pieces[i - 1].bytes;
    EXPECT_NE(end, pieces[i].address);
  }
}

}  // namespace
}  // namespace aquifer::apps
