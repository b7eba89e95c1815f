#include "pool/object.h"

#include <gtest/gtest.h>

#include <numeric>

namespace aquifer::pool {
namespace {

ObjectIdentity sample() {
  return {"default", "a/key", base::PutId{2, 77}, base::SegmentId{5}, 12, 3, 200'000};
}

std::vector<std::uint64_t> some_digests(std::uint64_t value_bytes) {
  std::vector<std::uint64_t> digests(page_count(value_bytes));
  std::iota(digests.begin(), digests.end(), 1000);
  return digests;
}

TEST(ObjectHeader, GivesBackItsDigestsToWhoeverKnowsTheObject) {
  const auto header = encode_header(sample(), some_digests(200'000));
  const auto digest = digest_of_header(sample().put, header);
  std::vector<std::uint64_t> digests;
  ASSERT_TRUE(check_header(header, sample(), digest, digests));
  EXPECT_EQ(digests, some_digests(200'000));
  EXPECT_EQ(header.size() % 64, 0u);
  EXPECT_TRUE(check_header_unnamed(header, sample(), digest, digests));
}

TEST(ObjectHeader, AnyFlippedBitIsSeen) {
  auto header = encode_header(sample(), some_digests(200'000));
  const auto digest = digest_of_header(sample().put, header);
  std::vector<std::uint64_t> digests;
  for (std::size_t bit = 0; bit < header.size() * 8; ++bit) {
    header[bit / 8] ^= std::byte(1 << (bit % 8));
    EXPECT_FALSE(check_header(header, sample(), digest, digests)) << bit;
    EXPECT_FALSE(check_header_unnamed(header, sample(), digest, digests)) << bit;
    header[bit / 8] ^= std::byte(1 << (bit % 8));
  }
}

TEST(ObjectHeader, AnotherObjectsHeaderIsRefusedEvenWithItsRightDigest) {
  const auto header = encode_header(sample(), some_digests(200'000));
  const auto digest = digest_of_header(sample().put, header);
  std::vector<std::uint64_t> digests;
  auto refuse = [&](auto change) {
    ObjectIdentity other = sample();
    change(other);
    EXPECT_FALSE(check_header(header, other, digest, digests));
  };
  refuse([](auto& o) { o.key = "b/key"; });
  refuse([](auto& o) { o.name_space = "defaulu"; });
  refuse([](auto& o) { o.put.sequence++; });
  refuse([](auto& o) { o.segment.value++; });
  refuse([](auto& o) { o.slot++; });
  refuse([](auto& o) { o.generation++; });
  refuse([](auto& o) { o.value_bytes++; });
}

TEST(ObjectHeader, SeedsDifferByPutAndPage) {
  EXPECT_NE(page_seed({1, 1}, 0), page_seed({1, 1}, 1));
  EXPECT_NE(page_seed({1, 1}, 0), page_seed({1, 2}, 0));
  EXPECT_NE(page_seed({1, 1}, 0), page_seed({2, 1}, 0));
  EXPECT_NE(header_seed({1, 1}), page_seed({1, 1}, 0));
}

TEST(ObjectHeader, TheLastPageMayBeShort) {
  EXPECT_EQ(page_count(1), 1u);
  EXPECT_EQ(page_count(kPageBytes), 1u);
  EXPECT_EQ(page_count(kPageBytes + 1), 2u);
  EXPECT_EQ(page_bytes(kPageBytes + 1, 1), 1u);
  EXPECT_EQ(page_bytes(kPageBytes, 0), kPageBytes);
}

}  // namespace
}  // namespace aquifer::pool
