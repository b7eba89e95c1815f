#include "apps/value_file.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>

namespace aquifer::apps {
namespace {

namespace fs = std::filesystem;

struct ValueFile : testing::Test {
  ValueFile() {
    std::string name = (fs::temp_directory_path() / "aquifer-value-XXXXXX").string();
    folder = ::mkdtemp(name.data());
  }
  ~ValueFile() override { fs::remove_all(folder); }

  std::string path(const std::string& name) const { return (folder / name).string(); }
  void write(const std::string& name, const std::string& content) const {
    std::ofstream(path(name)) << content;
  }
  std::string content(const std::string& name) const {
    std::ifstream file(path(name));
    return {std::istreambuf_iterator<char>(file), {}};
  }
  auto files() const {
    return std::distance(fs::directory_iterator(folder), fs::directory_iterator());
  }

  fs::path folder;
};

TEST_F(ValueFile, IsReadWhole) {
  const std::string large(3'000'001, 'x');
  write("a", large);
  EXPECT_EQ(read_value(path("a")).value(), large);
}

TEST_F(ValueFile, APseudoFileIsReadAlthoughItsSizeSaysZero) {
  const auto value = read_value("/proc/self/status");
  ASSERT_TRUE(value);
  EXPECT_NE(value->find("Pid:"), std::string::npos);
}

TEST_F(ValueFile, AnEmptyOneIsRefused) {
  write("a", "");
  EXPECT_EQ(read_value(path("a")).code(), Status::kInvalidArgument);
}

TEST_F(ValueFile, AMissingOneAndAFolderCannotBeRead) {
  EXPECT_EQ(read_value(path("missing")).code(), Status::kIo);
  EXPECT_EQ(read_value(folder.string()).code(), Status::kIo);
}

TEST_F(ValueFile, OneOverTheLimitIsRefusedBeforeItIsRead) {
  write("a", "x");
  fs::resize_file(path("a"), (std::uint64_t{1} << 30) + 1);
  const auto value = read_value(path("a"));
  ASSERT_EQ(value.code(), Status::kTooLarge);
  EXPECT_NE(value.error().message.find("1GiB"), std::string::npos);
}

TEST_F(ValueFile, WritingReplacesAndLeavesNothingBeside) {
  write("a", "before");
  ASSERT_TRUE(write_value(path("a"), "after"));
  EXPECT_EQ(content("a"), "after");
  EXPECT_EQ(files(), 1);
}

TEST_F(ValueFile, WritingKeepsTheModeAndFollowsALink) {
  write("a", "before");
  fs::permissions(path("a"), fs::perms(0640));
  fs::create_symlink("a", folder / "link");
  ASSERT_TRUE(write_value(path("link"), "after"));
  EXPECT_TRUE(fs::is_symlink(folder / "link"));
  EXPECT_EQ(content("a"), "after");
  EXPECT_EQ(fs::status(path("a")).permissions(), fs::perms(0640));
}

TEST_F(ValueFile, AnErrorLeavesWhatWasThere) {
  EXPECT_EQ(write_value(path("no/such/folder"), "x").code(), Status::kIo);
  EXPECT_EQ(write_value(folder.string(), "x").code(), Status::kIo);
  EXPECT_EQ(files(), 0);
}

TEST_F(ValueFile, ADeviceIsWrittenDirectly) {
  EXPECT_TRUE(write_value("/dev/null", "x"));
  EXPECT_EQ(write_value("/dev/full", "x").code(), Status::kIo);
  EXPECT_TRUE(fs::is_character_file("/dev/null"));
}

}  // namespace
}  // namespace aquifer::apps
