#include "memory/prefault.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <vector>

namespace aquifer::memory {
namespace {

constexpr std::uint64_t kChunks = 5;
constexpr std::uint64_t kBytes = kChunks * Prefault::kChunkBytes - 12288;

class PrefaultTest : public testing::Test {
 protected:
  PrefaultTest() {
    fd_ = make_anonymous("prefault-test", kBytes).value();
    maker_ = Mapping::map(fd_.get(), kBytes).value();
    EXPECT_TRUE(populate(fd_.get(), maker_, 0, kBytes));
    mapping_ = Mapping::map(fd_.get(), kBytes).value();
  }

  // Pages of [first, first + bytes) in the page table of the second mapping.
  std::size_t mapped(std::uint64_t first, std::uint64_t bytes) const {
    base::UniqueFd map(open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC));
    std::vector<std::uint64_t> entries(bytes / 4096);
    const auto address = reinterpret_cast<std::uintptr_t>(mapping_.data()) + first;
    const auto got = pread(map.get(), entries.data(), entries.size() * 8,
                           static_cast<off_t>(address / 4096 * 8));
    EXPECT_EQ(got, static_cast<ssize_t>(entries.size() * 8));
    return static_cast<std::size_t>(
        std::count_if(entries.begin(), entries.end(), [](auto entry) { return entry >> 63 != 0; }));
  }

  base::UniqueFd fd_;
  Mapping maker_;
  Mapping mapping_;
};

TEST_F(PrefaultTest, MapsInTheChunksOfARangeAndNoOthers) {
  Prefault prefault(mapping_);
  EXPECT_EQ(mapped(0, kBytes), 0u);
  prefault.ensure(Prefault::kChunkBytes + 100, Prefault::kChunkBytes);
  EXPECT_EQ(mapped(Prefault::kChunkBytes, 2 * Prefault::kChunkBytes), 512u);
  EXPECT_LE(mapped(0, kBytes), 512u + 2 * 15) << "beyond the neighbours of the first and last page";
  EXPECT_EQ(prefault.chunks_in(), 2u);
}

TEST_F(PrefaultTest, RunsAheadToTheEndAndTakesTheLastPartialChunk) {
  Prefault prefault(mapping_);
  prefault.run_ahead(0, kBytes);
  while (prefault.chunks_in() < kChunks) usleep(1000);
  EXPECT_EQ(mapped(0, kBytes), kBytes / 4096);
}

TEST_F(PrefaultTest, EndsWithItsThreadStillOnTheWay) {
  for (int i = 0; i < 50; ++i) {
    Prefault prefault(mapping_);
    prefault.run_ahead(0, kBytes);
  }
}

}  // namespace
}  // namespace aquifer::memory
