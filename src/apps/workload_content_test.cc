#include "apps/workload_content.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

namespace aquifer::apps {
namespace {

std::vector<std::byte> bytes_of(const Content& content, std::uint64_t offset, std::size_t count) {
  std::vector<std::byte> bytes(count);
  content.fill(offset, bytes);
  return bytes;
}

TEST(Content, IsTheSameForTheSameKeySeedAndOffset) {
  const auto whole = bytes_of(Content("key", 1), 0, 100'000);
  for (const std::uint64_t offset : {0u, 1u, 7u, 8u, 16'383u, 16'384u, 50'001u}) {
    const auto part = bytes_of(Content("key", 1), offset, 33'333);
    EXPECT_TRUE(std::equal(part.begin(), part.end(), whole.begin() + offset)) << offset;
    EXPECT_EQ(Content("key", 1).mismatch(offset, part), std::nullopt) << offset;
  }
}

TEST(Content, DiffersByKeySeedAndOffset) {
  const auto bytes = bytes_of(Content("key", 1), 0, 4096);
  EXPECT_NE(Content("kez", 1).mismatch(0, bytes), std::nullopt);
  EXPECT_NE(Content("key", 2).mismatch(0, bytes), std::nullopt);
  EXPECT_NE(Content("key", 1).mismatch(8, bytes), std::nullopt);
  EXPECT_NE(Content("key", 1).mismatch(1, bytes), std::nullopt);
}

TEST(Content, FindsOneWrongByteAndSaysWhere) {
  const Content content("key", 9);
  auto bytes = bytes_of(content, 1000, 70'000);
  for (const std::size_t at : {0u, 1u, 16'383u, 40'000u, 69'999u}) {
    bytes[at] ^= std::byte{0x10};
    EXPECT_EQ(content.mismatch(1000, bytes), 1000 + at);
    bytes[at] ^= std::byte{0x10};
  }
  EXPECT_EQ(content.mismatch(1000, bytes), std::nullopt);
}

TEST(Content, IsNeverThePoison) {
  std::vector<std::byte> bytes(50'001);
  poison(bytes);
  EXPECT_TRUE(std::all_of(bytes.begin(), bytes.end(),
                          [](std::byte byte) { return byte == std::byte{0xa5}; }));
  const auto wrong = Content("key", 1).mismatch(0, bytes);
  ASSERT_TRUE(wrong.has_value());
  EXPECT_LT(*wrong, 8u);
}

}  // namespace
}  // namespace aquifer::apps
