#include "client/workers.h"

#include <gtest/gtest.h>

#include <set>

namespace aquifer::client {
namespace {

TEST(WorkersThread, EveryTaskRunsExactlyOnce) {
  for (const unsigned helpers : {0u, 1u, 3u}) {
    Workers workers(helpers);
    for (const std::size_t count : {0u, 1u, 2u, 1000u}) {
      for (const unsigned threads : {1u, 2u, 8u}) {
        std::vector<std::atomic<int>> calls(count);
        workers.run(count, threads, [&](std::size_t i) { ++calls[i]; });
        for (std::size_t i = 0; i < count; ++i) {
          ASSERT_EQ(calls[i].load(), 1) << i << " of " << count;
        }
      }
    }
  }
}

TEST(WorkersThread, NoMoreThreadsThanAskedForAreAtWork) {
  Workers workers(7);
  for (const unsigned threads : {1u, 2u, 4u}) {
    std::atomic<unsigned> at_work{0};
    std::atomic<unsigned> most{0};
    workers.run(500, threads, [&](std::size_t) {
      const unsigned now = ++at_work;
      unsigned seen = most.load();
      while (now > seen && !most.compare_exchange_weak(seen, now)) {
      }
      std::this_thread::yield();
      --at_work;
    });
    EXPECT_LE(most.load(), threads);
  }
}

TEST(WorkersThread, OneThreadMeansTheCallersOwn) {
  Workers workers(3);
  const auto caller = std::this_thread::get_id();
  workers.run(50, 1, [&](std::size_t) { EXPECT_EQ(std::this_thread::get_id(), caller); });
}

TEST(WorkersThread, HelpersTakePart) {
  Workers workers(1);
  std::mutex mutex;
  std::condition_variable both;
  unsigned arrived = 0;
  workers.run(2, 2, [&](std::size_t) {  // neither task ends before the other has begun
    std::unique_lock lock(mutex);
    ++arrived;
    both.notify_all();
    EXPECT_TRUE(both.wait_for(lock, std::chrono::seconds(30), [&] { return arrived == 2; }));
  });
}

TEST(WorkersThread, ConcurrentCallsShareTheHelpersAndDoNotWaitForEachOther) {
  Workers workers(2);
  std::vector<std::thread> callers;
  std::atomic<int> done{0};
  for (int caller = 0; caller < 4; ++caller) {
    callers.emplace_back([&] {
      for (int round = 0; round < 200; ++round) {
        std::atomic<int> mine{0};
        workers.run(16, 3, [&](std::size_t) { ++mine; });
        ASSERT_EQ(mine.load(), 16);  // nothing of this call is left over
        ++done;
      }
    });
  }
  for (std::thread& caller : callers) {
    caller.join();
  }
  EXPECT_EQ(done.load(), 800);
}

}  // namespace
}  // namespace aquifer::client
