#include "apps/pressure_report.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace aquifer::apps {
namespace {

constexpr std::uint64_t kPool = std::uint64_t{4} << 30;

PressureOutcome good_outcome() {
  PressureOutcome outcome;
  outcome.pool_bytes = kPool;
  outcome.puts = 100;
  outcome.live_bytes_at_first_eviction = kPool / 100 * 96;
  outcome.space_at_end = {kPool, 10, kPool - 15, 5};
  outcome.space_afterwards = {kPool, 15, kPool - 15, 0};
  return outcome;
}

BenchRow row_of(const PressureOutcome& outcome, const std::string& name) {
  for (const BenchRow& row : pressure_rows(outcome)) {
    if (row.name == name) return row;
  }
  ADD_FAILURE() << "no row " << name;
  return {};
}

TEST(PressureRows, UtilisationHasATargetForLargePoolsOnly) {
  PressureOutcome outcome = good_outcome();
  EXPECT_EQ(row_of(outcome, "pressure.block.utilisation").met(), true);
  outcome.live_bytes_at_first_eviction = kPool / 100 * 94;
  EXPECT_EQ(row_of(outcome, "pressure.block.utilisation").met(), false);
  outcome.shape = PressureShape::kRandom;
  EXPECT_EQ(row_of(outcome, "pressure.random.utilisation").met(), true);
  outcome.pool_bytes = kPool - 1;
  EXPECT_FALSE(row_of(outcome, "pressure.random.utilisation").target.has_value());
}

TEST(PressureRows, EachFailureMissesATargetAndIsNotRight) {
  EXPECT_TRUE(good_outcome().is_right());
  const auto misses = [](const std::string& row, auto spoil) {
    PressureOutcome outcome = good_outcome();
    spoil(outcome);
    EXPECT_FALSE(outcome.is_right()) << row;
    EXPECT_EQ(row_of(outcome, "pressure.block." + row).met(), false) << row;
    EXPECT_FALSE(row_of(outcome, "pressure.block." + row).verified);
  };
  misses("refused", [](PressureOutcome& o) { o.refused = 1; });
  misses("wrong", [](PressureOutcome& o) { o.reads = 5, o.wrong_reads = 1; });
  misses("wrong", [](PressureOutcome& o) { o.reads = 5, o.failed_reads = 1; });
  misses("limbo", [](PressureOutcome& o) { o.space_afterwards = {kPool, 0, kPool - 9, 9}; });
  misses("unaccounted", [](PressureOutcome& o) { o.space_at_end.free += 1; });
}

TEST(PressureText, SaysWhatWasFound) {
  PressureOutcome outcome = good_outcome();
  outcome.trouble = "put of k: busy";
  outcome.refused = 1;
  const std::string text = pressure_text({}, {outcome});
  for (const char* part : {"0.960 of the data area", "target 0.95, met: yes", "refused puts",
                           "first trouble: put of k: busy", "NOT RIGHT"}) {
    EXPECT_NE(text.find(part), std::string::npos) << part << "\n" << text;
  }
}

TEST(PressureJson, HasTheRowsOfABench) {
  const auto json = nlohmann::json::parse(pressure_json({}, {good_outcome()}));
  EXPECT_EQ(json.at("workload").at("pool_bytes"), kPool);
  for (const auto& row : json.at("rows")) {
    for (const char* field : {"name", "unit", "value", "reference", "reference_name", "ratio",
                              "better", "target", "met", "verified"}) {
      EXPECT_TRUE(row.contains(field)) << field;
    }
  }
}

}  // namespace
}  // namespace aquifer::apps
