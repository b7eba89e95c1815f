#include "apps/workload_machine.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>

namespace aquifer::apps {
namespace {

namespace fs = std::filesystem;

class MachineFiles : public testing::Test {
 protected:
  void SetUp() override {
    root_ = fs::path(testing::TempDir()) / ("machine-" + std::to_string(::getpid()));
    fs::create_directories(root_);
  }
  void TearDown() override { fs::remove_all(root_); }

  void write(const std::string& name, const std::string& text) const {
    fs::create_directories((root_ / name).parent_path());
    std::ofstream(root_ / name) << text;
  }
  void write_cache(int cpu, int index, const std::string& level, const std::string& type,
                   const std::string& size) const {
    const std::string folder = "sys/devices/system/cpu/cpu" + std::to_string(cpu) + "/cache/index" +
                               std::to_string(index) + "/";
    write(folder + "level", level + "\n");
    write(folder + "type", type + "\n");
    write(folder + "size", size + "\n");
  }

  fs::path root_;
};

TEST_F(MachineFiles, LastLevelCacheIsTheLargestOfTheHighestLevel) {
  write_cache(0, 0, "1", "Data", "48K");
  write_cache(0, 1, "1", "Instruction", "900M");
  write_cache(0, 2, "3", "Unified", "107520K");
  write_cache(1, 0, "2", "Unified", "200M");
  write_cache(1, 1, "3", "Unified", "32M");
  const Machine machine = read_machine(root_);
  EXPECT_TRUE(machine.cache_known);
  EXPECT_EQ(machine.cache_bytes, 107'520u << 10);
  EXPECT_EQ(rotation_bytes(machine), 4u * (107'520u << 10));
}

TEST_F(MachineFiles, NothingReadableLeavesTheDefaults) {
  const Machine machine = read_machine(root_);
  EXPECT_FALSE(machine.cache_known);
  EXPECT_EQ(machine.cache_bytes, 64u << 20);
  EXPECT_EQ(machine.processor, "unknown");
  EXPECT_GE(machine.cores, 1u);
}

TEST_F(MachineFiles, MemoryProcessorAndHugePagesAreRead) {
  write("proc/meminfo", "MemTotal:       24676144 kB\nMemAvailable:   23000000 kB\n");
  write("proc/cpuinfo", "processor\t: 0\nmodel name\t: Some CPU\nprocessor\t: 1\n");
  write("sys/kernel/mm/transparent_hugepage/enabled", "always [madvise] never\n");
  const Machine machine = read_machine(root_);
  EXPECT_EQ(machine.memory_bytes, 24'676'144ull << 10);
  EXPECT_EQ(machine.available_bytes, 23'000'000ull << 10);
  EXPECT_EQ(machine.processor, "Some CPU");
  EXPECT_EQ(machine.huge_pages, "madvise");
}

TEST(Rotation, NeverExceeds2GiB) {
  Machine machine;
  machine.cache_bytes = 1ull << 30;
  EXPECT_EQ(rotation_bytes(machine), 2ull << 30);
}

}  // namespace
}  // namespace aquifer::apps
