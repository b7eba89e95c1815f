#include "meta/open_puts.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>

#include "base/random.h"

namespace aquifer::meta {
namespace {

base::Hash128 hash_of(std::uint64_t key) { return {key * 0x9e3779b97f4a7c15u, key}; }

OpenPutIndex open(OpenPuts& puts, std::uint64_t key, std::uint64_t client, Time expires) {
  OpenPut& put = puts.blank();
  put.hash = hash_of(key);
  put.client = {client};
  put.expires = expires;
  return puts.open();
}

std::vector<std::uint64_t> expired(OpenPuts& puts, Time now) {
  std::vector<std::uint64_t> sequences;
  puts.expire(now, [&](OpenPutIndex put) { sequences.push_back(puts[put].sequence); });
  return sequences;
}

TEST(OpenPuts, ExpireInTheirOrderAndOnce) {
  OpenPuts puts(7);
  open(puts, 1, 1, Time(30));
  open(puts, 2, 1, Time(10));
  const OpenPutIndex closed = open(puts, 3, 1, Time(20));
  open(puts, 4, 1, Time(20));
  puts.close(closed, Status::kOk);
  EXPECT_TRUE(expired(puts, Time(9)).empty());
  EXPECT_EQ(expired(puts, Time(20)), (std::vector<std::uint64_t>{2, 4}));
  EXPECT_TRUE(expired(puts, Time(20)).empty());
  EXPECT_EQ(puts.size(), 3u) << "they stay open";
  puts.close(puts.find({7, 2}), Status::kCancelled);
  EXPECT_EQ(expired(puts, Time(1000)), (std::vector<std::uint64_t>{1}));
}

TEST(OpenPuts, OfAnotherEpochAreUnknown) {
  OpenPuts puts(7);
  const OpenPutIndex put = open(puts, 1, 1, Time(30));
  EXPECT_EQ(puts.find({7, 1}), put);
  EXPECT_EQ(puts.find({8, 1}), kNone);
  puts.close(put, Status::kOk);
  EXPECT_EQ(puts.outcome({7, 1}), Status::kOk);
  EXPECT_FALSE(puts.outcome({8, 1}));
}

/// The same in a list.
struct ModelPut {
  std::uint64_t key = 0;
  std::uint64_t client = 0;
  Time expires{};
  bool expired = false;
};

TEST(OpenPuts, ARandomWalkAgreesWithAPlainModel) {
  for (std::uint64_t seed = 1; seed <= 5; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    base::Random random(seed);
    OpenPuts puts(7);
    std::map<std::uint64_t, ModelPut> model;  // by sequence
    std::uint64_t last = 0;
    Time now{0};
    const auto sequences = [&](auto is) {
      std::multiset<std::uint64_t> all;
      for (const auto& [sequence, put] : model) {
        if (is(put)) {
          all.insert(sequence);
        }
      }
      return all;
    };
    for (int step = 0; step < 5000; ++step) {
      const std::uint64_t key = random.below(20);
      const std::uint64_t client = 1 + random.below(5);
      std::multiset<std::uint64_t> seen;
      const auto see = [&](OpenPutIndex put) { seen.insert(puts[put].sequence); };
      switch (random.below(6)) {
        case 0:
        case 1:
          model[++last] = {key, client, now + Time(random.below(50))};
          ASSERT_EQ(puts.id_of(open(puts, key, client, model[last].expires)).sequence, last);
          break;
        case 2:
          if (const auto at = model.lower_bound(random.below(last + 1)); at != model.end()) {
            puts.close(puts.find({7, at->first}), Status::kOk);
            model.erase(at);
          }
          break;
        case 3:
          puts.for_each_of_key(hash_of(key), see);
          ASSERT_EQ(seen, sequences([&](const ModelPut& put) { return put.key == key; }));
          break;
        case 4:
          // What is visited may be closed.
          puts.for_each_of_client({client}, [&](OpenPutIndex put) {
            see(put);
            if (puts[put].sequence % 2 == 0) {
              puts.close(put, Status::kCancelled);
            }
          });
          ASSERT_EQ(seen, sequences([&](const ModelPut& put) { return put.client == client; }));
          std::erase_if(model, [&](const auto& entry) {
            return entry.second.client == client && entry.first % 2 == 0;
          });
          break;
        default: {
          now += Time(random.below(10));
          const auto over = [&](const ModelPut& put) { return !put.expired && put.expires <= now; };
          const auto expected = sequences(over);
          puts.expire(now, see);
          ASSERT_EQ(seen, expected);
          for (const std::uint64_t sequence : expected) {
            model[sequence].expired = true;
          }
        }
      }
      ASSERT_EQ(puts.size(), model.size());
    }
    std::multiset<std::uint64_t> all;
    puts.for_each([&](OpenPutIndex put) { all.insert(puts[put].sequence); });
    ASSERT_EQ(all, sequences([](const ModelPut&) { return true; }));
  }
}

}  // namespace
}  // namespace aquifer::meta
