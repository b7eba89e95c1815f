#include "apps/workload_pool.h"

#include <gtest/gtest.h>

namespace aquifer::apps {
namespace {

TEST(PoolSize, HoldsTheBlocksItIsMadeFor) {
  for (const std::uint64_t object_bytes : {1ull, 500ull, 4096ull, 65'536ull, 8'994'816ull}) {
    for (const std::uint64_t blocks : {1ull, 10ull, 5'860ull, 20'000ull}) {
      const std::uint64_t bytes = pool_bytes_for(blocks, object_bytes);
      EXPECT_GE(pool_blocks_in(bytes, object_bytes), blocks) << object_bytes;
      if (blocks * object_bytes >= 1 << 20) {
        EXPECT_LE(pool_blocks_in(bytes, object_bytes), blocks + blocks / 100 + 1) << object_bytes;
      }
    }
  }
}

TEST(PoolSize, IsNeverLessThanANodeAccepts) { EXPECT_GE(pool_bytes_for(1, 1), 1u << 20); }

TEST(PrivatePool, SaysWhatItsMetaSaidWhenThatDoesNotStart) {
  const auto pool = PrivatePool::start({.program = "/bin/false"});
  ASSERT_FALSE(pool.ok());
  EXPECT_TRUE(pool.error().message.starts_with("aquifer meta ended before it was ready"))
      << pool.error().message;
}

}  // namespace
}  // namespace aquifer::apps
