#include "base/nearest.h"

#include <gtest/gtest.h>

#include <vector>

namespace aquifer::base {
namespace {

const std::vector<std::string> kKnown{"dram", "name", "listen", "segments"};

TEST(Nearest, ASwapOfNeighboursIsOneEdit) { EXPECT_EQ(nearest("drma", kKnown), "dram"); }

TEST(Nearest, AMissingOrDoubledLetterIsFound) {
  EXPECT_EQ(nearest("segmets", kKnown), "segments");
  EXPECT_EQ(nearest("listten", kKnown), "listen");
}

TEST(Nearest, NothingIsSuggestedForAFarName) {
  EXPECT_EQ(nearest("transport", kKnown), std::nullopt);
  EXPECT_EQ(nearest("", kKnown), std::nullopt);
  EXPECT_EQ(nearest("x", {}), std::nullopt);
}

}  // namespace
}  // namespace aquifer::base
