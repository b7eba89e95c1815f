// That the simulator repeats itself exactly, and finds each defect that is planted.
#include <gtest/gtest.h>

#include <sstream>

#include "sim/cluster.h"

namespace aquifer::sim {
namespace {

// As many as the runs of the test suite (CMakeLists.txt): a fault that takes more is not found.
constexpr std::uint64_t kRuns = 10'000;

TEST(Simulator, ASeedRepeatsExactly) {
  for (const std::uint64_t seed : {1u, 20u, 33u, 57u, 70u}) {
    std::ostringstream first;
    std::ostringstream second;
    run_once(seed, Fault::kNone, &first);
    run_once(seed, Fault::kNone, &second);
    EXPECT_GT(first.str().size(), 1000u);
    EXPECT_TRUE(first.str() == second.str()) << "seed " << seed;
  }
}

TEST(Simulator, ATraceChangesNothing) {
  std::ostringstream trace;
  EXPECT_EQ(run_once(7, Fault::kNone, &trace).steps, run_once(7, Fault::kNone, nullptr).steps);
}

class PlantedFault : public testing::TestWithParam<Fault> {};

// Where a run fails with the fault, and passes without it, it is the fault that was found.
TEST_P(PlantedFault, IsFound) {
  for (std::uint64_t seed = 1; seed <= kRuns; ++seed) {
    if (run_once(seed, GetParam(), nullptr).violation &&
        !run_once(seed, Fault::kNone, nullptr).violation) {
      RecordProperty("seed", static_cast<int>(seed));
      return;
    }
  }
  FAIL() << name_of(GetParam()) << " is not found in " << kRuns << " runs";
}

INSTANTIATE_TEST_SUITE_P(All, PlantedFault,
                         testing::Values(Fault::kAcknowledgesUnsealed, Fault::kAllocatesUnreported,
                                         Fault::kFreesGranted, Fault::kSealsByStore,
                                         Fault::kReusesLimbo, Fault::kAdoptsRemoved,
                                         Fault::kRetiresAnyGeneration, Fault::kReadsAnyGeneration,
                                         Fault::kPublishesHalf),
                         [](const auto& of) {
                           std::string name(name_of(of.param));
                           std::replace(name.begin(), name.end(), '-', '_');
                           return name;
                         });

}  // namespace
}  // namespace aquifer::sim
