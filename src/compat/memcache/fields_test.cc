#include "compat/memcache/fields.h"

#include <gtest/gtest.h>

#include "compat/memcache/blobs.h"
#include "compat/memcache/config_file.h"
#include "compat/memcache/membership.h"

namespace aquifer::compat::memcache {
namespace {

TEST(SizeTest, AsPeopleWriteThem) {
  EXPECT_EQ(parse_bytes("134217728"), 134217728u);
  EXPECT_EQ(parse_bytes("2048KB"), 2048u << 10);
  EXPECT_EQ(parse_bytes("200mb"), 200u << 20);
  EXPECT_EQ(parse_bytes("2.5G"), 5ull << 29);
  EXPECT_EQ(parse_bytes("1TB"), 1ull << 40);
  EXPECT_EQ(parse_bytes("7b"), 7u);
  EXPECT_EQ(parse_bytes("0"), 0u);
  for (const char* text :
       {"", "GB", "1 GB", "1GiB", "-1", "1..5", "1e3", "0x10", "1GBs", "99999999TB"}) {
    EXPECT_EQ(parse_bytes(text), std::nullopt) << text;
  }
}

TEST(FieldsTest, EveryFieldKeepsWhatIsParsedIntoIt) {
  local_config config = default_local_config();
  for (const Field& field : local_fields()) {
    const std::string text = field.is_text() ? "7" : field.kind == Kind::kFlag ? "TRUE" : "8";
    ASSERT_EQ(parse_into(&config, field, text), std::nullopt) << field.key;
    if (field.is_text()) {
      EXPECT_EQ(text_of(&config, field), "7");
    } else {
      EXPECT_EQ(number_of(&config, field), field.kind == Kind::kFlag ? 1u : 8u);
    }
  }
}

TEST(FieldsTest, OutOfRangeIsNamed) {
  mmc_meta_service_config_t config = default_meta_config();
  for (const Field& field : meta_fields()) {
    EXPECT_EQ(check_range(&config, field), std::nullopt) << field.name;
    if (field.is_text() || field.kind == Kind::kFlag || field.kind == Kind::kLevel) continue;
    for (const char* text : {"0", "100000", "-1", "1x", ""}) {
      const auto wrong = parse_into(&config, field, text);
      ASSERT_TRUE(wrong.has_value()) << field.key << " " << text;
      EXPECT_NE(wrong->find(field.key), std::string::npos);
    }
  }
}

TEST(FieldsTest, MegabytesAreBytesInTheStruct) {
  mmc_meta_service_config_t config = default_meta_config();
  EXPECT_EQ(config.logRotationFileSize, 20 << 20);
  EXPECT_NE(
      to_text("MetaConfig", &config, meta_fields()).find("log_rotation_file_size: 20971520\n"),
      std::string::npos);
}

TEST(RankTest, NamesOfNodes) {
  EXPECT_EQ(node_of(12), "rank-12");
  EXPECT_EQ(rank_of("rank-12"), 12u);
  for (const char* name : {"rank-", "rank-1a", "rank--1", "other", "rank-99999999999"}) {
    EXPECT_EQ(rank_of(name), std::nullopt) << name;
  }
}

TEST(BlobsTest, AddressesArePositiveAndThoseOfAKeyAreTheSame) {
  for (const char* key : {"a", "b", "model@0@ff"}) {
    const std::uint64_t address = Blobs::address_of(key);
    EXPECT_EQ(address, Blobs::address_of(key));
    EXPECT_GT(static_cast<std::int64_t>(address), 0);
    EXPECT_LT(address, std::uint64_t{1} << 62);
    EXPECT_EQ(address % 4096, 0u);
  }
  EXPECT_NE(Blobs::address_of("a"), Blobs::address_of("b"));
}

}  // namespace
}  // namespace aquifer::compat::memcache
