#include "apps/byte_range.h"

#include <gtest/gtest.h>

#include "aquifer/types.h"

namespace aquifer::apps {
namespace {

TEST(ByteRange, HasAnOffsetAndALengthInAnyUnit) {
  const auto range = parse_range("64KiB:1.5KB");
  ASSERT_TRUE(range.ok());
  EXPECT_EQ(range->offset, 65536u);
  EXPECT_EQ(range->bytes, 1500u);
}

TEST(ByteRange, WithoutALengthReachesToTheLargestEnd) {
  const auto range = parse_range("1MiB:");
  ASSERT_TRUE(range.ok());
  EXPECT_EQ(range->offset + range->bytes, Limits::kValueBytes);
}

TEST(ByteRange, IsCutWhereNoValueReaches) {
  const auto range = parse_range("1:1TiB");
  ASSERT_TRUE(range.ok());
  EXPECT_EQ(range->bytes, Limits::kValueBytes - 1);
}

TEST(ByteRange, SaysWhatIsWrongWithAnythingElse) {
  for (const char* text : {"", "5", ":", ":5", "x:5", "5:x", "5:0", "-1:5", "1GiB:1", "1:2:3"}) {
    const auto range = parse_range(text);
    ASSERT_FALSE(range.ok()) << text;
    EXPECT_EQ(range.code(), Status::kInvalidArgument);
    EXPECT_NE(range.error().message.find(text), std::string::npos);
    EXPECT_NE(range.error().hint.find("--range 64KiB:4096"), std::string::npos);
  }
}

}  // namespace
}  // namespace aquifer::apps
