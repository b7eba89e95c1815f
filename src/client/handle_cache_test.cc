#include "client/handle_cache.h"

#include <gtest/gtest.h>

#include <thread>

namespace aquifer::client {
namespace {

HandlePtr handle(std::uint64_t sequence) {
  auto made = std::make_shared<Handle>();
  made->put = {1, sequence};
  return made;
}

TEST(HandleCache, WhatWasPutIsFoundUnderItsOwnNameOnly) {
  HandleCache cache(100);
  const auto one = handle(1);
  cache.put("space", "key", one);
  EXPECT_EQ(cache.find("space", "key"), one);
  EXPECT_EQ(cache.find("space", "key2"), nullptr);
  EXPECT_EQ(cache.find("spac", "ekey"), nullptr);
  EXPECT_EQ(cache.find("spacek", "ey"), nullptr);
  const auto two = handle(2);
  cache.put("space", "key", two);
  EXPECT_EQ(cache.find("space", "key"), two);
}

TEST(HandleCache, AStaleHandleDropsOnlyItself) {
  HandleCache cache(100);
  const auto one = handle(1);
  const auto two = handle(2);
  cache.put("space", "key", one);
  cache.put("space", "key", two);
  cache.drop("space", "key", one.get());  // somebody has put a newer one since
  EXPECT_EQ(cache.find("space", "key"), two);
  cache.drop("space", "key", two.get());
  EXPECT_EQ(cache.find("space", "key"), nullptr);
  cache.put("space", "key", one);
  cache.drop("space", "key", nullptr);
  EXPECT_EQ(cache.find("space", "key"), nullptr);
  cache.drop("space", "absent", nullptr);
}

TEST(HandleCache, ItHoldsNoMoreThanItsLimitAndForgetsTheLeastRecentlyUsed) {
  HandleCache cache(64);
  cache.put("space", "hot", handle(0));
  for (std::uint64_t i = 1; i <= 2000; ++i) {
    cache.put("space", "key-" + std::to_string(i), handle(i));
    ASSERT_NE(cache.find("space", "hot"), nullptr) << i;
  }
  std::size_t kept = 0;
  for (std::uint64_t i = 1; i <= 2000; ++i) {
    kept += cache.find("space", "key-" + std::to_string(i)) != nullptr ? 1 : 0;
  }
  EXPECT_LE(kept, 64u);
  EXPECT_GT(kept, 32u);
  EXPECT_NE(cache.find("space", "key-2000"), nullptr);
}

TEST(HandleCache, WithoutRoomNothingIsKept) {
  HandleCache cache(0);
  cache.put("space", "key", handle(1));
  EXPECT_EQ(cache.find("space", "key"), nullptr);
}

TEST(HandleCache, ClearForgetsAllAndAHandleInHandLivesOn) {
  HandleCache cache(100);
  cache.put("space", "key", handle(1));
  const auto held = cache.find("space", "key");
  cache.clear();
  EXPECT_EQ(cache.find("space", "key"), nullptr);
  EXPECT_EQ(held->put.sequence, 1u);
}

TEST(HandleCacheThread, ConcurrentUseKeepsItsOrder) {
  HandleCache cache(128);
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&cache, t] {
      for (std::uint64_t i = 0; i < 3000; ++i) {
        const std::string key =
            "key-" + std::to_string((i * 7 + static_cast<std::uint64_t>(t)) % 300);
        const auto found = cache.find("space", key);
        if (found == nullptr) {
          cache.put("space", key, handle(i));
        } else if (i % 5 == 0) {
          cache.drop("space", key, found.get());
        }
      }
    });
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
}

}  // namespace
}  // namespace aquifer::client
