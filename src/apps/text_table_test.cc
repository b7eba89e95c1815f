#include "apps/text_table.h"

#include <gtest/gtest.h>

namespace aquifer::apps {
namespace {

TEST(TextTable, AlignsWordsToTheLeftAndNumbersToTheRight) {
  TextTable table({"NAME", "USED", "FREE"}, 1);
  table.add({"a", "1", "10000"});
  table.add({"longer", "22", "3"});
  EXPECT_EQ(table.text(),
            "NAME    USED   FREE\n"
            "a          1  10000\n"
            "longer    22      3\n");
}

TEST(TextTable, CountsCharactersAndTakesShortRows) {
  TextTable table({"NAME", "X"}, 2);
  table.add({"grün", "x"});
  table.add({"a"});
  EXPECT_EQ(table.text(), "NAME  X\ngrün  x\na\n");
}

}  // namespace
}  // namespace aquifer::apps
