#include "apps/workload_usage.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include "apps/workload_memory.h"

namespace aquifer::apps {
namespace {

TEST(Usage, OfTheProcessorGrowsWithWork) {
  const auto before = cpu_seconds(getpid());
  ASSERT_TRUE(before.ok()) << before.error().message;
  volatile std::uint64_t sum = 0;
  for (int i = 0; i < 1'000'000; ++i) sum = sum + 1;
  EXPECT_GT(*cpu_seconds(getpid()), *before);
}

TEST(Usage, OfMemoryCountsWhatWasTouched) {
  constexpr std::size_t kBytes = 64 << 20;
  const auto before = resident_bytes(getpid());
  ASSERT_TRUE(before.ok()) << before.error().message;
  const auto memory = Mapping::make(Mapping::Kind::kPrivate, kBytes);
  ASSERT_TRUE(memory.ok()) << memory.error().message;
  EXPECT_GE(*resident_bytes(getpid()), *before + kBytes / 2);
}

TEST(Usage, OfAProcessThatIsGoneIsAnError) {
  const pid_t child = fork();
  if (child == 0) _exit(0);
  ASSERT_EQ(waitpid(child, nullptr, 0), child);
  EXPECT_EQ(cpu_seconds(child).code(), Status::kIo);
  EXPECT_EQ(resident_bytes(child).code(), Status::kIo);
}

}  // namespace
}  // namespace aquifer::apps
