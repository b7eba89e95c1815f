#include "node/open_writes.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "pool/object.h"

namespace aquifer::node {
namespace {

constexpr base::PutId kPut{1, 7};

TEST(OpenWrites, AllPiecesOfAPutFindTheSameEntry) {
  OpenWrites writes;
  const auto entry = writes.enter(3, 5, kPut, 3 * pool::kPageBytes - 1);
  ASSERT_NE(entry, nullptr);
  EXPECT_EQ(entry->page_whole.size(), 3u);
  EXPECT_EQ(writes.enter(3, 5, kPut, 3 * pool::kPageBytes - 1), entry);
  EXPECT_NE(writes.enter(4, 5, kPut, 1), entry);
}

TEST(OpenWrites, ANewerGenerationReplacesAnOlderOneAndNotTheOtherWayRound) {
  OpenWrites writes;
  const auto older = writes.enter(3, 5, kPut, 100);
  const auto newer = writes.enter(3, 6, {1, 8}, 100);
  ASSERT_NE(newer, nullptr);
  EXPECT_NE(newer, older);
  EXPECT_EQ(writes.enter(3, 5, kPut, 100), nullptr) << "a late message of the old writer";
  EXPECT_EQ(writes.enter(3, 6, {1, 8}, 100), newer);
}

TEST(OpenWrites, AnotherPutOrSizeUnderTheSameGenerationIsRefused) {
  OpenWrites writes;
  const auto entry = writes.enter(3, 5, kPut, 100);
  EXPECT_EQ(writes.enter(3, 5, {1, 8}, 100), nullptr);
  EXPECT_EQ(writes.enter(3, 5, kPut, pool::kPageBytes + 1), nullptr);
  EXPECT_EQ(writes.enter(3, 5, kPut, 100), entry);
}

TEST(OpenWrites, AFencedEntryIsForgotten) {
  OpenWrites writes;
  writes.fence(3);
  const auto entry = writes.enter(3, 5, kPut, 100);
  writes.fence(3);
  EXPECT_NE(writes.enter(3, 5, kPut, 100), entry);
}

TEST(OpenWritesThread, AFenceWaitsForTheWriteInHand) {
  OpenWrites writes;
  const auto entry = writes.enter(3, 5, kPut, 100);
  std::atomic<bool> writing{true};
  std::atomic<bool> overtaken{false};
  std::unique_lock lock(entry->mutex);
  std::thread fence([&] {
    writes.fence(3);
    overtaken = writing.load();
  });
  // The fence takes the entry out first, so the table shows that it is under way.
  while (writes.enter(3, 5, kPut, 100) == entry) {
    std::this_thread::yield();
  }
  writing = false;
  lock.unlock();
  fence.join();
  EXPECT_FALSE(overtaken);
}

}  // namespace
}  // namespace aquifer::node
