#include "apps/bench_plan.h"

#include <gtest/gtest.h>

#include "apps/workload_pool.h"

namespace aquifer::apps {
namespace {

constexpr std::uint64_t kGibibyte = 1ull << 30;

Machine machine_with(std::uint64_t cache, std::uint64_t available) {
  Machine machine;
  machine.cache_bytes = cache;
  machine.available_bytes = available;
  return machine;
}

TEST(BenchPlan, RotatesOverFourTimesTheCacheOr2GiB) {
  const BenchSettings settings;
  const std::uint64_t object = bytes_of(settings.shape);
  const auto small = plan_bench(settings, machine_with(105 << 20, 64 * kGibibyte));
  ASSERT_TRUE(small.ok());
  EXPECT_GE(small->slots * object, 4ull * (105 << 20));
  EXPECT_LT((small->slots - 1) * object, 4ull * (105 << 20));
  EXPECT_TRUE(small->remarks.empty());
  const auto large = plan_bench(settings, machine_with(kGibibyte, 64 * kGibibyte));
  ASSERT_TRUE(large.ok());
  EXPECT_GE(large->slots * object, 2 * kGibibyte);
  EXPECT_LT((large->slots - 1) * object, 2 * kGibibyte);
}

TEST(BenchPlan, ASampleFitsTheBuffersWhateverTheCache) {
  const auto plan = plan_bench({}, machine_with(1 << 20, 64 * kGibibyte));
  ASSERT_TRUE(plan.ok());
  EXPECT_EQ(plan->sample_slots, 40u);
  EXPECT_GE(plan->slots, plan->sample_slots);
  EXPECT_GE(pool_blocks_in(plan->pool_bytes, bytes_of(deepseek_r1_shape())),
            plan->slots + plan->sample_slots);
}

TEST(BenchPlan, LittleMemoryMeansASmallerRotationAndARemark) {
  const auto plan = plan_bench({}, machine_with(512 << 20, 6 * kGibibyte));
  ASSERT_TRUE(plan.ok()) << plan.error().message;
  EXPECT_LT(plan->slots * bytes_of(deepseek_r1_shape()), 2 * kGibibyte);
  EXPECT_EQ(plan->remarks.size(), 1u);
}

TEST(BenchPlan, TooLittleMemoryIsAnErrorWithAWayOut) {
  const auto plan = plan_bench({}, machine_with(64 << 20, kGibibyte));
  ASSERT_FALSE(plan.ok());
  EXPECT_EQ(plan.code(), Status::kNoSpace);
  EXPECT_NE(plan.error().hint.find("--batches"), std::string::npos);
}

TEST(BenchPlan, SettingsOutOfRangeAreRefused) {
  const auto code_with = [](auto change) {
    BenchSettings settings;
    change(settings);
    return plan_bench(settings, machine_with(64 << 20, 64 * kGibibyte)).code();
  };
  const auto kBad = Status::kInvalidArgument;
  EXPECT_EQ(code_with([](BenchSettings& s) { s.batches = {0}; }), kBad);
  EXPECT_EQ(code_with([](BenchSettings& s) { s.batches = {}; }), kBad);
  EXPECT_EQ(code_with([](BenchSettings& s) { s.threads = {65}; }), kBad);
  EXPECT_EQ(code_with([](BenchSettings& s) { s.threads = {}; }), kBad);
  EXPECT_EQ(code_with([](BenchSettings& s) { s.streams = 0; }), kBad);
  EXPECT_EQ(code_with([](BenchSettings& s) { s.replicas = 9; }), kBad);
  EXPECT_EQ(code_with([](BenchSettings& s) { s.rounds = 0; }), kBad);
  EXPECT_EQ(code_with([](BenchSettings& s) { s.transports = {}; }), kBad);
}

TEST(BenchPlan, AGivenPoolThatIsSmallLimitsTheRotation) {
  BenchSettings settings;
  settings.meta = "tcp://127.0.0.1:5000";
  const std::uint64_t object = bytes_of(settings.shape);
  const auto plan = plan_bench(settings, machine_with(105 << 20, 64 * kGibibyte));
  ASSERT_TRUE(plan.ok());
  const auto roomy = fit_bench_plan(*plan, settings, pool_bytes_for(500, object));
  ASSERT_TRUE(roomy.ok());
  EXPECT_EQ(roomy->slots, plan->slots);
  const auto tight = fit_bench_plan(*plan, settings, pool_bytes_for(86, object));
  ASSERT_TRUE(tight.ok()) << tight.error().message;
  EXPECT_LT(tight->slots, plan->slots);
  EXPECT_GE(tight->slots, tight->sample_slots);
  EXPECT_EQ(tight->remarks.size(), 1u);
  EXPECT_EQ(fit_bench_plan(*plan, settings, pool_bytes_for(60, object)).code(), Status::kNoSpace);
}

TEST(CallsPerSample, GrowAsBatchesShrink) {
  EXPECT_EQ(calls_per_sample(1), 32u);
  EXPECT_EQ(calls_per_sample(8), 4u);
  EXPECT_EQ(calls_per_sample(24), 1u);
  EXPECT_EQ(calls_per_sample(400), 1u);
}

}  // namespace
}  // namespace aquifer::apps
