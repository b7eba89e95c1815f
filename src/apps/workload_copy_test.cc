#include "apps/workload_copy.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

namespace aquifer::apps {
namespace {

std::vector<std::byte> counted(std::size_t bytes) {
  std::vector<std::byte> filled(bytes);
  for (std::size_t i = 0; i < bytes; ++i) filled[i] = static_cast<std::byte>(i * 131 + (i >> 8));
  return filled;
}

void expect_exact_copy(const CopyVariant& variant, std::size_t to, std::size_t from,
                       std::size_t bytes) {
  constexpr std::byte kUntouched{0xee};
  const auto source = counted(from + bytes + 1);
  std::vector<std::byte> destination(to + bytes + 64, kUntouched);
  variant.copy(destination.data() + to, source.data() + from, bytes);
  const auto begin = destination.begin() + static_cast<std::ptrdiff_t>(to);
  const auto end = begin + static_cast<std::ptrdiff_t>(bytes);
  const auto untouched = [](std::byte byte) { return byte == kUntouched; };
  EXPECT_TRUE(std::equal(begin, end, source.begin() + static_cast<std::ptrdiff_t>(from)));
  EXPECT_TRUE(std::all_of(destination.begin(), begin, untouched));
  EXPECT_TRUE(std::all_of(end, destination.end(), untouched));
}

TEST(CopyVariants, CopyExactlyTheBytesAsked) {
  for (const CopyVariant& variant : copy_variants()) {
    for (const std::size_t bytes :
         {0u, 1u, 63u, 64u, 65u, 255u, 256u, 1000u, 16384u, 16385u, 70'000u}) {
      for (const std::size_t to : {0u, 1u, 32u, 63u}) {
        for (const std::size_t from : {0u, 5u, 64u}) {
          SCOPED_TRACE(testing::Message()
                       << variant.name << " " << bytes << " " << to << " " << from);
          expect_exact_copy(variant, to, from, bytes);
        }
      }
    }
  }
}

TEST(CopyVariants, BeginWithMemcpyAndHaveDistinctNames) {
  const auto variants = copy_variants();
  ASSERT_FALSE(variants.empty());
  EXPECT_EQ(variants.front().name, "memcpy");
  for (std::size_t i = 0; i < variants.size(); ++i) {
    for (std::size_t j = 0; j < i; ++j) EXPECT_NE(variants[i].name, variants[j].name);
  }
}

}  // namespace
}  // namespace aquifer::apps
