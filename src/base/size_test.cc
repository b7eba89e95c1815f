#include "base/size.h"

#include <gtest/gtest.h>

namespace aquifer::base {
namespace {

using std::chrono::milliseconds;

TEST(Size, BinaryAndDecimalUnitsAreToldApart) {
  EXPECT_EQ(parse_size("1KiB"), 1024u);
  EXPECT_EQ(parse_size("1KB"), 1000u);
  EXPECT_EQ(parse_size("4GiB"), 4ull << 30);
  EXPECT_EQ(parse_size("4GB"), 4'000'000'000u);
  EXPECT_EQ(parse_size("1TiB"), 1ull << 40);
  EXPECT_EQ(parse_size("64MB"), 64'000'000u);
}

TEST(Size, ABareNumberIsBytes) {
  EXPECT_EQ(parse_size("512"), 512u);
  EXPECT_EQ(parse_size("512B"), 512u);
  EXPECT_EQ(parse_size("0"), 0u);
}

TEST(Size, FractionsAreExact) {
  EXPECT_EQ(parse_size("1.5 KB"), 1500u);
  EXPECT_EQ(parse_size("1.5KiB"), 1536u);
  EXPECT_EQ(parse_size("0.3GB"), 300'000'000u);
  EXPECT_EQ(parse_size(".5MiB"), 512u << 10);
  EXPECT_EQ(parse_size("1.1"), 1u);
  EXPECT_EQ(parse_size("0.999999999999999999999999KB"), 999u);
}

TEST(Size, CaseAndSpacesDoNotMatter) {
  EXPECT_EQ(parse_size(" 2 gib "), 2ull << 30);
  EXPECT_EQ(parse_size("2MIB"), 2u << 20);
}

TEST(Size, AnythingElseIsRefused) {
  for (const char* text : {"", " ", "GiB", "4 G", "4K", "-1", "+1", "1.", "1..2", "1e9", "4GiB4",
                           "0x10", "1,5KB", "nan", "4 GiB GiB"}) {
    EXPECT_EQ(parse_size(text), std::nullopt) << text;
  }
}

TEST(Size, WhatDoesNotFitInSixtyFourBitsIsRefused) {
  EXPECT_EQ(parse_size("18446744073709551615"), 18446744073709551615ull);
  EXPECT_EQ(parse_size("18446744073709551616"), std::nullopt);
  EXPECT_EQ(parse_size("16777215.9TiB").has_value(), true);
  EXPECT_EQ(parse_size("16777216TiB"), std::nullopt);
  EXPECT_EQ(parse_size("99999999999999999999999999"), std::nullopt);
}

TEST(Size, FormattingIsShortAndReadsBackExactly) {
  EXPECT_EQ(format_size(4ull << 30), "4GiB");
  EXPECT_EQ(format_size(8'784u << 10), "8784KiB");
  EXPECT_EQ(format_size(1'500), "1500");
  EXPECT_EQ(format_size(1'500'000), "1500KB");
  EXPECT_EQ(format_size(0), "0");
  for (const std::uint64_t bytes :
       {1ull, 1023ull, 1024ull, 1000ull, 1ull << 40, 123'456'789ull, ~0ull}) {
    EXPECT_EQ(parse_size(format_size(bytes)), bytes);
  }
}

TEST(Size, RoundedSizesHaveThreeDigits) {
  EXPECT_EQ(format_size_rounded(0), "0 B");
  EXPECT_EQ(format_size_rounded(1023), "1023 B");
  EXPECT_EQ(format_size_rounded(1024), "1.00 KiB");
  EXPECT_EQ(format_size_rounded(1'567'000'000), "1.46 GiB");
  EXPECT_EQ(format_size_rounded(100ull << 30), "100 GiB");
  EXPECT_EQ(format_size_rounded(2'000ull << 40), "2000 TiB");
}

TEST(Duration, ABareNumberIsSeconds) {
  EXPECT_EQ(parse_duration("5"), milliseconds(5'000));
  EXPECT_EQ(parse_duration("1.5"), milliseconds(1'500));
}

TEST(Duration, UnitsAreRead) {
  EXPECT_EQ(parse_duration("250ms"), milliseconds(250));
  EXPECT_EQ(parse_duration("5s"), milliseconds(5'000));
  EXPECT_EQ(parse_duration("1.5s"), milliseconds(1'500));
  EXPECT_EQ(parse_duration("2m"), milliseconds(120'000));
  EXPECT_EQ(parse_duration("2 min"), milliseconds(120'000));
  EXPECT_EQ(parse_duration("1h"), milliseconds(3'600'000));
}

TEST(Duration, AnythingElseIsRefused) {
  for (const char* text : {"", "s", "5x", "-5s", "5 s s", "1e3", "99999999999h"}) {
    EXPECT_EQ(parse_duration(text), std::nullopt) << text;
  }
}

TEST(Duration, FormattingReadsBackExactly) {
  EXPECT_EQ(format_duration(milliseconds(250)), "250ms");
  EXPECT_EQ(format_duration(milliseconds(5'000)), "5s");
  EXPECT_EQ(format_duration(milliseconds(1'500)), "1500ms");
  EXPECT_EQ(format_duration(milliseconds(120'000)), "2m");
  EXPECT_EQ(format_duration(milliseconds(0)), "0ms");
}

}  // namespace
}  // namespace aquifer::base
