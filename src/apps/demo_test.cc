#include "apps/demo.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

namespace aquifer::apps {
namespace {

namespace fs = std::filesystem;

BenchRow row(const std::string& name, bool verified) {
  BenchRow made;
  made.name = name;
  made.value = 9.0;
  made.reference = 10.0;
  made.reference_name = "a copy";
  made.verified = verified;
  return made;
}

TEST(DemoText, HasARowForEachPathAndEndsWithTwoLinesToType) {
  BenchReport bench;
  bench.rows = {row("shm.get.r1.b8.t1", true), row("shm.get.r1.b8.t1.memcpy", true),
                row("tcp.get.r1.b8.t1", false)};
  ReplayOutcome replay;
  replay.hits = {.blocks = 100, .hits = 40};
  replay.model = {.blocks = 100, .hits = 50};
  const std::string text = demo_text(bench, replay, "build/aquifer");
  EXPECT_NE(text.find("shm.get.r1.b8.t1  9.00 GB/s"), std::string::npos) << text;
  EXPECT_NE(text.find("NOT VERIFIED"), std::string::npos);
  EXPECT_EQ(text.find(".memcpy"), std::string::npos);
  EXPECT_NE(text.find("40 % of blocks"), std::string::npos);
  EXPECT_TRUE(
      text.ends_with("  build/aquifer meta & build/aquifer node &\n"
                     "  build/aquifer put readme README.md && build/aquifer status\n"));
}

TEST(DemoTrace, IsBuiltIn) {
  const auto trace = demo_trace();
  ASSERT_TRUE(trace) << trace.error().text();
  EXPECT_GT(trace->requests.size(), 100u);
}

TEST(ShownProgram, IsTheNameThatAShellFinds) {
  std::string name = (fs::temp_directory_path() / "aquifer-demo-XXXXXX").string();
  const fs::path folder = ::mkdtemp(name.data());
  const std::string program = (folder / "aquifer").string();
  std::ofstream{program} << "x";
  EXPECT_EQ(shown_program(program, {{"PATH", "/nowhere:" + folder.string()}}), "aquifer");
  EXPECT_EQ(shown_program(program, {{"PATH", "/nowhere"}}), program);
  EXPECT_EQ(shown_program((fs::current_path() / "bin" / "aquifer").string(), {}), "bin/aquifer");
  EXPECT_EQ(shown_program((fs::current_path() / "aquifer").string(), {}), "./aquifer");
  fs::remove_all(folder);
}

}  // namespace
}  // namespace aquifer::apps
