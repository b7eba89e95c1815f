#include "apps/bench_report.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace aquifer::apps {
namespace {

BenchRow some_row() {
  BenchRow row;
  row.name = "shm.get.r1.b8.t1";
  row.value = 9.0;
  row.reference = 10.0;
  row.reference_name = "copy nt_avx2";
  row.verified = true;
  row.candidates = {{"memcpy", 7.0}, {"nt_avx2", 10.0}};
  row.samples = {8.0, 9.0, 9.5};
  row.node_bytes = 1 << 20;
  row.client_process = 11;
  row.node_processes = {12, 13};
  return row;
}

TEST(BenchRow, MeetsItsTargetByTheRatioInTheBetterDirection) {
  BenchRow row = some_row();
  EXPECT_EQ(row.met(), std::nullopt);
  row.target = 0.9;
  EXPECT_EQ(row.met(), true);
  row.target = 0.91;
  EXPECT_EQ(row.met(), false);
  row.better = "lower";
  EXPECT_EQ(row.met(), true);
}

TEST(BenchJson, HasTheFieldsThatOthersReadUnderTheirNames) {
  BenchReport report;
  report.rows = {some_row(), some_row()};
  report.rows[1].target = 0.92;
  report.remarks = {"a remark"};
  const auto json = nlohmann::json::parse(bench_json(report));
  ASSERT_TRUE(json.at("machine").is_object());
  const auto& row = json.at("rows").at(0);
  EXPECT_EQ(row.at("name"), "shm.get.r1.b8.t1");
  EXPECT_EQ(row.at("unit"), "GB/s");
  EXPECT_EQ(row.at("value"), 9.0);
  EXPECT_EQ(row.at("reference"), 10.0);
  EXPECT_EQ(row.at("reference_name"), "copy nt_avx2");
  EXPECT_EQ(row.at("ratio"), 0.9);
  EXPECT_EQ(row.at("better"), "higher");
  EXPECT_TRUE(row.at("target").is_null());
  EXPECT_TRUE(row.at("met").is_null());
  EXPECT_EQ(row.at("verified"), true);
  EXPECT_EQ(row.at("candidates").at(1).at("name"), "nt_avx2");
  EXPECT_EQ(row.at("node_processes"), (std::vector<int>{12, 13}));
  EXPECT_EQ(json.at("rows").at(1).at("target"), 0.92);
  EXPECT_EQ(json.at("rows").at(1).at("met"), false);
  EXPECT_EQ(json.at("remarks").at(0), "a remark");
}

TEST(BenchText, ShowsEachRowWithPidsAndEveryCandidate) {
  BenchReport report;
  report.rows = {some_row()};
  const std::string text = bench_text(report);
  for (const char* part : {"shm.get.r1.b8.t1", "9.00", "10.00", "0.90", "11 > 12 13", "1.00 MiB",
                           "memcpy", "nt_avx2", "7.00"}) {
    EXPECT_NE(text.find(part), std::string::npos) << part << "\n" << text;
  }
  EXPECT_EQ(text.find("NOT VERIFIED"), std::string::npos);
}

TEST(BenchText, SaysSoWhenARowIsNotVerified) {
  BenchReport report;
  report.rows = {some_row(), some_row()};
  report.rows[1].verified = false;
  EXPECT_FALSE(report.verified());
  EXPECT_NE(bench_text(report).find("NOT VERIFIED"), std::string::npos);
}

TEST(BenchTargets, StandWhereSomethingIsPromised) {
  EXPECT_EQ(bench_target("shm", 8, 1, 1, 4), 0.92);
  EXPECT_EQ(bench_target("shm", 40, 4, 1, 4), 0.90);
  EXPECT_EQ(bench_target("shm", 40, 3, 1, 4), std::nullopt);
  EXPECT_EQ(bench_target("shm", 1, 1, 1, 4), std::nullopt);
  EXPECT_EQ(bench_target("shm", 8, 1, 2, 4), std::nullopt);
  EXPECT_EQ(bench_target("tcp", 8, 1, 1, 4), 0.90);
  EXPECT_EQ(bench_memcpy_target(8, 1, 1), 1.18);
  EXPECT_EQ(bench_memcpy_target(8, 2, 1), std::nullopt);
}

TEST(Median, IsTheOneInTheMiddle) {
  EXPECT_EQ(median({}), 0.0);
  EXPECT_EQ(median({3, 1, 2}), 2.0);
  EXPECT_EQ(median({4, 1, 2, 3}), 2.5);
}

}  // namespace
}  // namespace aquifer::apps
