#include "capi/structs.h"

#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "capi/refusal.h"

namespace aquifer::capi {
namespace {

struct Options {
  std::size_t struct_size;
  std::uint64_t first;
  std::uint64_t second;
};

// A struct of any version, on the heap and not a byte larger than it says, so that a sanitizer sees
// who reads or writes behind it.
class Caller {
 public:
  explicit Caller(std::size_t size) : words_((size + 7) / 8) { words_[0] = size; }
  std::uint64_t& word(std::size_t index) { return words_[index]; }
  Options* options() { return reinterpret_cast<Options*>(words_.data()); }

 private:
  std::vector<std::uint64_t> words_;
};

TEST(Structs, NullStandsForDefaults) {
  const auto known = read_struct<Options>(nullptr);
  ASSERT_TRUE(known);
  EXPECT_EQ(known->first, 0u);
}

TEST(Structs, AShorterStructHasDefaultsInWhatItLacks) {
  Caller older(16);
  older.word(1) = 7;
  const auto known = read_struct(older.options());
  ASSERT_TRUE(known);
  EXPECT_EQ(known->first, 7u);
  EXPECT_EQ(known->second, 0u);
}

TEST(Structs, ALongerStructIsAcceptedOnlyWhenWhatIsUnknownIsZero) {
  Caller newer(40);
  newer.word(2) = 8;
  const auto known = read_struct(newer.options());
  ASSERT_TRUE(known);
  EXPECT_EQ(known->second, 8u);
  for (const std::size_t word : {3u, 4u}) {
    newer.word(word) = std::uint64_t{1} << 63;
    EXPECT_FALSE(read_struct(newer.options()));
    newer.word(word) = 0;
  }
}

TEST(Structs, ASizeOfNoVersionIsRefused) {
  for (const std::size_t size : {std::size_t{0}, std::size_t{7}, kStructSizeMax + 1, SIZE_MAX}) {
    Caller wrong(8);
    wrong.word(0) = size;
    EXPECT_FALSE(read_struct(wrong.options())) << size;
    EXPECT_FALSE(write_struct(Options{}, wrong.options())) << size;
  }
}

TEST(Structs, AnAnswerFillsWhatTheCallerKnowsAndZerosBehind) {
  const Options filled{.struct_size = 0, .first = 1, .second = 2};
  Caller older(16);
  ASSERT_TRUE(write_struct(filled, older.options()));
  EXPECT_EQ(older.word(0), 16u);
  EXPECT_EQ(older.word(1), 1u);

  Caller newer(40);
  newer.word(4) = 99;
  ASSERT_TRUE(write_struct(filled, newer.options()));
  EXPECT_EQ(newer.word(0), 40u);
  EXPECT_EQ(newer.word(2), 2u);
  EXPECT_EQ(newer.word(4), 0u);
}

TEST(WriteError, ALongMessageIsCutBetweenCharacters) {
  aquifer_error_t error{};
  error.struct_size = sizeof error;
  // 510 bytes, and a character of three bytes that begins at the last but one that fits.
  const std::string start(510, 'x');
  ASSERT_EQ(write_error({Status::kIo, start + "\u20ac" + start, "hint"}, &error), AQUIFER_OK);
  EXPECT_EQ(std::string(error.message), start);
  EXPECT_EQ(std::string(error.hint), "hint");
  EXPECT_EQ(error.status, AQUIFER_IO);

  ASSERT_EQ(write_error({Status::kIo, std::string(2000, 'y'), {}}, &error), AQUIFER_OK);
  EXPECT_EQ(std::string(error.message), std::string(511, 'y'));
}

TEST(WriteError, NullIsAllowedAndAStructOfNoVersionIsNot) {
  EXPECT_EQ(write_error({Status::kIo, "message", {}}, nullptr), AQUIFER_OK);
  aquifer_error_t error{};
  EXPECT_EQ(write_error({Status::kIo, "message", {}}, &error), AQUIFER_INVALID_ARGUMENT);
  EXPECT_STREQ(error.message, "");
}

}  // namespace
}  // namespace aquifer::capi
