#include "memory/shared_memory.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstring>
#include <optional>

#include "memory/fault_guard.h"

namespace aquifer::memory {
namespace {

constexpr std::uint64_t kPage = 4096;

TEST(SharedMemory, TwoMappingsOfOneFileSeeEachOther) {
  auto fd = make_anonymous("test", 4 * kPage);
  ASSERT_TRUE(fd.ok());
  auto one = Mapping::map(fd->get(), 4 * kPage);
  auto two = Mapping::map(fd->get(), 4 * kPage);
  ASSERT_TRUE(one.ok() && two.ok());
  ASSERT_TRUE(populate(fd->get(), *one, 0, 4 * kPage).ok());
  std::memset(one->data(), 7, 4 * kPage);
  EXPECT_EQ(static_cast<int>(two->data()[3 * kPage]), 7);
}

TEST(SharedMemory, AnAnonymousSegmentCannotShrinkUnderItsReaders) {
  auto fd = make_anonymous("test", 4 * kPage);
  ASSERT_TRUE(fd.ok());
  EXPECT_NE(ftruncate(fd->get(), static_cast<off_t>(kPage)), 0);
}

TEST(SharedMemory, ALockLivesWithTheMappingAfterTheDescriptorIsClosed) {
  auto fd = make_anonymous("test", kPage);
  ASSERT_TRUE(fd.ok());
  std::optional<Mapping> mapping;
  {
    auto handed_out = reopen(fd->get());
    ASSERT_TRUE(handed_out.ok());
    ASSERT_TRUE(lock_byte(handed_out->get(), 5).ok());
    mapping = std::move(Mapping::map(handed_out->get(), kPage)).value();
  }
  EXPECT_TRUE(byte_is_locked(fd->get(), 5));
  EXPECT_FALSE(byte_is_locked(fd->get(), 6));
  mapping.reset();
  EXPECT_FALSE(byte_is_locked(fd->get(), 5));
}

TEST(SharedMemory, TwoDescriptionsCannotHoldTheSameLock) {
  auto fd = make_anonymous("test", kPage);
  auto one = reopen(fd->get());
  auto two = reopen(fd->get());
  ASSERT_TRUE(lock_byte(one->get(), 1).ok());
  EXPECT_EQ(lock_byte(two->get(), 1).code(), Status::kConflict);
}

TEST(SharedMemory, AFolderThatCannotHoldTheSegmentIsRefusedByName) {
  const auto made = make_in_folder("/dev/shm/aquifer-test-too-large", std::uint64_t{1} << 60);
  ASSERT_FALSE(made.ok());
  EXPECT_EQ(made.code(), Status::kNoSpace);
  EXPECT_NE(made.error().message.find("/dev/shm/"), std::string::npos);
  EXPECT_NE(access("/dev/shm/aquifer-test-too-large", F_OK), 0);
}

TEST(FaultGuard, AFaultInTheRangeEndsTheBodyAndOthersAreUntouched) {
  char name[] = "/tmp/aquifer-fault-XXXXXX";
  base::UniqueFd fd(mkstemp(name));
  ASSERT_TRUE(fd);
  unlink(name);
  ASSERT_EQ(ftruncate(fd.get(), 4 * kPage), 0);
  auto mapping = Mapping::map(fd.get(), 4 * kPage);
  ASSERT_TRUE(mapping.ok());
  mapping->data()[0] = std::byte{1};
  ASSERT_EQ(ftruncate(fd.get(), 0), 0);
  for (int round = 0; round < 3; ++round) {
    volatile bool reached_end = false;
    EXPECT_FALSE(guarded(mapping->data(), mapping->size(), [&] {
      reached_end = (*static_cast<volatile std::byte*>(mapping->data()) == std::byte{2});
      reached_end = true;
    }));
    EXPECT_FALSE(reached_end);
  }
  EXPECT_TRUE(guarded(mapping->data(), mapping->size(), [] {}));
}

TEST(FaultGuardDeathTest, AFaultOutsideEveryGuardKillsAsBefore) {
  EXPECT_EXIT(
      {
        char name[] = "/tmp/aquifer-fault-XXXXXX";
        base::UniqueFd fd(mkstemp(name));
        unlink(name);
        auto mapping = Mapping::map(fd.get(), kPage);
        *static_cast<volatile std::byte*>(mapping->data());
      },
      ::testing::KilledBySignal(SIGBUS), "");
}

}  // namespace
}  // namespace aquifer::memory
