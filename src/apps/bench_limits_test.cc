#include <gtest/gtest.h>
#include <sys/wait.h>

#include <atomic>
#include <cerrno>
#include <optional>
#include <string>

#include "apps/bench_copies.h"
#include "apps/bench_crew.h"
#include "apps/bench_sockets.h"

namespace aquifer::apps {
namespace {

constexpr std::size_t kSlots = 5;
const BlockShape kShape{4096, 512, 4096, 512, 100};

std::string key(std::size_t slot) { return "slot-" + std::to_string(slot); }

/// Every slot of the caller's memory, and the pool's stand-in, filled or poisoned.
class Limits : public testing::Test {
 protected:
  void SetUp() override {
    auto buffers = BlockBuffers::make(kShape, kSlots);
    auto copies = BenchCopies::make(bytes_of(kShape), kSlots);
    ASSERT_TRUE(buffers.ok() && copies.ok());
    buffers_.emplace(std::move(*buffers));
    copies_.emplace(std::move(*copies));
  }

  std::span<std::byte> pooled(std::size_t slot) const {
    return copies_->memory().subspan(slot * bytes_of(kShape), bytes_of(kShape));
  }
  /// Makes the source of `direction` right and its destination wrong, in all slots.
  void prepare(Direction direction) const {
    for (std::size_t slot = 0; slot < kSlots; ++slot) {
      const Content content(key(slot), 1);
      buffers_->poison(slot);
      poison(pooled(slot));
      if (direction == Direction::kPut) buffers_->fill(slot, content);
      if (direction == Direction::kGet) content.fill(0, pooled(slot));
    }
  }
  bool has_arrived(Direction direction, std::size_t slot) const {
    const Content content(key(slot), 1);
    if (direction == Direction::kGet) return !buffers_->mismatch(slot, content);
    return !content.mismatch(0, pooled(slot));
  }
  /// Slots 3, 4, 0 and 1 must have arrived, slot 2 must not have been touched.
  void expect_wrapped_range(Direction direction) const {
    for (const std::size_t slot : {3u, 4u, 0u, 1u})
      EXPECT_TRUE(has_arrived(direction, slot)) << slot;
    EXPECT_FALSE(has_arrived(direction, 2));
  }

  std::optional<BlockBuffers> buffers_;
  std::optional<BenchCopies> copies_;
};

TEST(BenchCrewThreads, EachMemberRunsEachJobOnce) {
  for (const unsigned members : {1u, 2u, 5u}) {
    BenchCrew crew(members);
    EXPECT_EQ(crew.members(), members);
    std::vector<std::atomic<int>> calls(members);
    for (int round = 0; round < 100; ++round) crew.run([&](unsigned member) { ++calls[member]; });
    for (const auto& count : calls) EXPECT_EQ(count, 100);
  }
}

TEST_F(Limits, CopiesMoveEveryPieceOfTheRangeByEveryVariant) {
  for (const unsigned members : {1u, 2u, 3u}) {
    BenchCrew crew(members);
    for (const CopyVariant& variant : copy_variants()) {
      for (const Direction direction : {Direction::kPut, Direction::kGet}) {
        SCOPED_TRACE(variant.name);
        prepare(direction);
        EXPECT_GT(copies_->run(variant, direction, *buffers_, {3, 4}, 1, crew), 0.0);
        expect_wrapped_range(direction);
      }
    }
  }
}

TEST_F(Limits, SocketsMoveEveryPieceOfTheRange) {
  for (const unsigned streams : {1u, 2u, 3u}) {
    auto sockets = BenchSockets::start(copies_->memory(), streams);
    ASSERT_TRUE(sockets.ok()) << sockets.error().message;
    for (const unsigned members : {1u, streams}) {
      BenchCrew crew(members);
      for (const bool digests : {false, true}) {
        for (const Direction direction : {Direction::kPut, Direction::kGet}) {
          prepare(direction);
          const auto seconds = sockets->run(direction, *buffers_, {3, 4}, 2, 1, digests, crew);
          ASSERT_TRUE(seconds.ok()) << seconds.error().message;
          expect_wrapped_range(direction);
        }
      }
    }
  }
  EXPECT_EQ(waitpid(-1, nullptr, WNOHANG), -1);
  EXPECT_EQ(errno, ECHILD);
}

}  // namespace
}  // namespace aquifer::apps
