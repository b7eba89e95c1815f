#include "base/chunked_vector.h"

#include <gtest/gtest.h>

namespace aquifer::base {
namespace {

TEST(ChunkedVector, ElementsStayWhereTheyAreWhileItGrows) {
  ChunkedVector<int, 4> vector;
  EXPECT_EQ(vector.size(), 0u);
  vector.grow_to(3);
  vector[2] = 7;
  const int* const before = &vector[2];
  vector.grow_to(1000);
  EXPECT_EQ(&vector[2], before);
  EXPECT_EQ(vector[2], 7);
  EXPECT_EQ(vector[999], 0);
  EXPECT_EQ(vector.size(), 1000u);
}

TEST(ChunkedVector, NeverShrinks) {
  ChunkedVector<int, 4> vector;
  vector.grow_to(9);
  vector.grow_to(2);
  EXPECT_EQ(vector.size(), 9u);
}

}  // namespace
}  // namespace aquifer::base
