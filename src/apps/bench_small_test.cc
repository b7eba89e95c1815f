#include "apps/bench_small.h"

#include <gtest/gtest.h>

#include <set>

namespace aquifer::apps {
namespace {

TEST(SmallObjects, HaveKeysOfOneLengthThatDiffer) {
  const SmallObjects objects("bench/", 64, 1);
  std::set<std::string> seen;
  for (const std::string& key : objects.keys(95, 10)) {
    EXPECT_EQ(key.size(), SmallObjects::kKeyBytes);
    EXPECT_TRUE(key.starts_with("bench/"));
    seen.insert(key);
  }
  EXPECT_EQ(seen.size(), 10);
  EXPECT_EQ(objects.key(UINT64_MAX).size(), SmallObjects::kKeyBytes);
}

TEST(SmallObjects, NoticeEveryWrongByteAndAnothersValue) {
  const SmallObjects objects("bench/", 64, 1);
  std::vector<std::byte> value(objects.bytes());
  objects.fill(objects.key(5), value);
  EXPECT_TRUE(objects.matches(objects.key(5), value));
  EXPECT_FALSE(objects.matches(objects.key(6), value));
  for (std::byte& byte : value) {
    byte ^= std::byte{1};
    EXPECT_FALSE(objects.matches(objects.key(5), value));
    byte ^= std::byte{1};
  }
}

TEST(BoundRow, IsMetOnTheRightSideOfItsBound) {
  BenchRow row = bound_row("meta.memory", "bytes/object", "lower", 160, false);
  row.value = 160;
  EXPECT_EQ(row.met(), true);
  row.value = 161;
  EXPECT_EQ(row.met(), false);
  EXPECT_EQ(bound_row("meta.memory", "bytes/object", "lower", 160, true).met(), std::nullopt);
}

}  // namespace
}  // namespace aquifer::apps
