// The tests, or one of their client processes.
#include <gtest/gtest.h>

#include "children.h"

int main(int count, char** words) {
  using namespace aquifer::contention;
  if (is_child(count, words)) return run_child(words);
  testing::InitGoogleTest(&count, words);
  return RUN_ALL_TESTS();
}
