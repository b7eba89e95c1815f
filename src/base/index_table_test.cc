#include "base/index_table.h"

#include <gtest/gtest.h>

#include <map>
#include <vector>

#include "base/ids.h"
#include "base/random.h"

namespace aquifer::base {
namespace {

TEST(IndexTable, KeysThatShareAHashAreToldApart) {
  IndexTable table;
  const auto find = [&](std::uint32_t wanted) {
    return table.find(5, [&](std::uint32_t index) { return index == wanted; });
  };
  table.insert(5, 1);
  table.insert(5, 2);
  EXPECT_EQ(find(1), 1u);
  EXPECT_EQ(find(2), 2u);
  EXPECT_EQ(find(3), IndexTable::kNone);
  table.erase(5, 1);
  EXPECT_EQ(find(1), IndexTable::kNone);
  EXPECT_EQ(find(2), 2u);
  EXPECT_EQ(table.guess(5), 2u);
  EXPECT_EQ(table.guess(6), IndexTable::kNone);
}

TEST(IndexTable, AnotherIndexTakesThePlaceOfOne) {
  IndexTable table;
  table.insert(5, 1);
  table.replace(5, 1, 9);
  EXPECT_EQ(table.guess(5), 9u);
  EXPECT_EQ(table.size(), 1u);
  EXPECT_ANY_THROW(table.erase(5, 1)) << "it is not there any more";
}

// Neighbouring homes, the last places of a page among them, where entries go on at its front.
TEST(IndexTable, WhatStandsBehindAnErasedEntryIsStillFound) {
  for (std::uint32_t erased = 0; erased < 12; ++erased) {
    IndexTable table;
    std::vector<std::uint32_t> hashes;
    for (std::uint32_t i = 0; i < 12; ++i) {
      hashes.push_back(2044 + i / 3 + (i % 2 == 0 ? 2048 : 0));
      table.insert(hashes.back(), i);
    }
    table.erase(hashes[erased], erased);
    for (std::uint32_t i = 0; i < 12; ++i) {
      const auto found = table.find(hashes[i], [&](std::uint32_t index) { return index == i; });
      EXPECT_EQ(found, i == erased ? IndexTable::kNone : i) << "without " << erased;
    }
  }
}

// Keys in a row, as numbers of puts are, and hashes that leave most pages alone.
void walk(std::uint64_t seed, std::uint32_t (*hash)(std::uint64_t key), std::uint64_t keys) {
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  Random random(seed);
  IndexTable table;
  std::map<std::uint64_t, std::uint32_t> model;
  std::vector<std::uint64_t> key_of;  // by index
  for (int step = 0; step < 200'000; ++step) {
    const std::uint64_t key = random.below(keys);
    const std::uint32_t found =
        table.find(hash(key), [&](std::uint32_t index) { return key_of[index] == key; });
    const auto expected = model.find(key);
    ASSERT_EQ(found, expected == model.end() ? IndexTable::kNone : expected->second);
    // It grows for the first half, and empties afterwards.
    const bool add = random.below(4) < (step < 100'000 ? 3u : 1u);
    if (found == IndexTable::kNone && add) {
      model[key] = static_cast<std::uint32_t>(key_of.size());
      table.insert(hash(key), model[key]);
      key_of.push_back(key);
    } else if (found != IndexTable::kNone && !add) {
      table.erase(hash(key), found);
      model.erase(key);
    } else if (found != IndexTable::kNone && random.below(8) == 0) {
      model[key] = static_cast<std::uint32_t>(key_of.size());
      table.replace(hash(key), found, model[key]);
      key_of.push_back(key);
    }
    ASSERT_EQ(table.size(), model.size());
  }
  for (const auto& [key, index] : model) {
    ASSERT_EQ(table.find(hash(key), [&](std::uint32_t at) { return key_of[at] == key; }), index);
  }
}

TEST(IndexTable, ARandomWalkAgreesWithAMap) {
  for (std::uint64_t seed = 1; seed <= 3; ++seed) {
    walk(
        seed, [](std::uint64_t key) { return short_hash(key); }, 100'000);
  }
}

TEST(IndexTable, ARandomWalkOverFewPagesAgreesWithAMap) {
  // The first 8 bits are always the same: pages split again and again before it helps.
  walk(
      4, [](std::uint64_t key) { return short_hash(key) >> 8 | 0xab000000u; }, 20'000);
  // And keys in pairs of one hash.
  walk(
      5, [](std::uint64_t key) { return short_hash(key / 2); }, 50'000);
}

}  // namespace
}  // namespace aquifer::base
