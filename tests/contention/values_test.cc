#include "values.h"

#include <gtest/gtest.h>

#include <vector>

namespace aquifer::contention {
namespace {

std::vector<std::byte> value_of(const ValueId& id) {
  std::vector<std::byte> value(bytes_of(id));
  fill(id, 0, value);
  return value;
}

TEST(Values, SayWhichVersionTheyAreOf) {
  const ValueId id{3, 5, 77};
  const auto value = value_of(id);
  EXPECT_EQ(version_in({3, 5, 0}, 0, value), 77u);
  for (const std::size_t offset : {1u, 7u, 8u, 13u}) {
    EXPECT_EQ(version_in({3, 5, 0}, offset, std::span(value).subspan(offset)), 77u);
  }
}

TEST(Values, AnyWrongByteIsNoticed) {
  const ValueId id{3, 5, 77};
  const auto value = value_of(id);
  for (std::size_t at = 0; at < value.size(); ++at) {
    auto damaged = value;
    damaged[at] ^= std::byte{1};
    ASSERT_FALSE(version_in({3, 5, 0}, 0, damaged)) << at;
  }
}

TEST(Values, BytesOfOthersOrOfAnotherPlaceAreNoticed) {
  const ValueId id{3, 5, 77};
  const auto value = value_of(id);
  EXPECT_FALSE(version_in({3, 6, 0}, 0, value));
  EXPECT_FALSE(version_in({4, 5, 0}, 0, value));
  EXPECT_FALSE(version_in({3, 5, 0}, 8, value));
  EXPECT_FALSE(version_in({3, 5, 0}, 0, std::vector<std::byte>(64)));
  auto mixed = value;
  fill({3, 5, 78}, 16, std::span(mixed).subspan(16));
  EXPECT_FALSE(version_in({3, 5, 0}, 0, mixed));
}

TEST(Values, KeepTheirSizesWithinTheLimits) {
  for (std::uint32_t number = 0; number < 256; ++number) {
    for (std::uint32_t version = 1; version < 50; ++version) {
      const ValueId id{1, number, version};
      ASSERT_GE(bytes_of(id), bytes_at_least(id));
      ASSERT_LE(bytes_of(id), kValueBytesMax);
    }
  }
}

}  // namespace
}  // namespace aquifer::contention
