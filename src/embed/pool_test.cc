#include "aquifer/pool.h"

#include <gtest/gtest.h>

#include <cstring>
#include <thread>
#include <vector>

#include "base/random.h"
#include "embed/pool.h"
#include "embed/pool_fixture.h"

namespace aquifer {
namespace {

INSTANTIATE_TEST_SUITE_P(Transports, PoolTest, ::testing::Values(Transport::kShm, Transport::kTcp),
                         transport_name);

TEST_P(PoolTest, WhatWasPutComesBackAtEverySize) {
  for (const std::size_t bytes :
       {1u, 63u, 512u, 4096u, 65535u, 65536u, 65537u, 1u << 20, (3u << 20) + 17}) {
    const std::string key = "key-" + std::to_string(bytes);
    const std::string value = random_value(bytes, bytes);
    ASSERT_EQ(put(key, value), Status::kOk) << client_.last_error().text();
    const auto got = client_.get(key);
    ASSERT_TRUE(got.ok()) << got.error().text();
    ASSERT_EQ(*got, value);
    // And by another client, which has no handle yet.
    auto other = *pool_.client({.transport = GetParam()});
    const auto again = other.get(key);
    ASSERT_TRUE(again.ok()) << again.error().text();
    ASSERT_EQ(*again, value);
  }
}

TEST_P(PoolTest, AnExistingKeyIsASuccessThatMovesNothing) {
  ASSERT_EQ(put("key", "one"), Status::kOk);
  EXPECT_EQ(put("key", "two!"), Status::kExists);
  EXPECT_EQ(*client_.get("key"), "one");
}

TEST_P(PoolTest, ARemovedKeyIsGoneForEveryClient) {
  auto other = *pool_.client({.transport = GetParam()});
  ASSERT_EQ(put("key", random_value(100'000, 1)), Status::kOk);
  ASSERT_TRUE(other.get("key").ok());
  EXPECT_EQ(client_.remove("key"), Status::kOk);
  EXPECT_EQ(other.get("key").code(), Status::kNotFound) << "by a cached handle";
  EXPECT_EQ(client_.remove("key"), Status::kNotFound);
  EXPECT_EQ(client_.exists("key"), Status::kNotFound);
}

TEST_P(PoolTest, ScatteredPiecesOfABatchArriveWhereTheyBelong) {
  constexpr std::size_t kObjects = 3;
  std::vector<std::string> values;
  std::vector<std::string> keys;
  std::vector<std::vector<ConstPiece>> sources(kObjects);
  std::vector<std::vector<Piece>> destinations(kObjects);
  std::vector<std::string> room;
  for (std::size_t i = 0; i < kObjects; ++i) {
    keys.push_back("block-" + std::to_string(i));
    values.push_back(random_value(61 * (128 + 16) * 1024, i));
    room.emplace_back(values.back().size(), '\x55');
  }
  std::vector<PutItem> puts;
  std::vector<GetItem> gets;
  for (std::size_t i = 0; i < kObjects; ++i) {
    for (std::size_t at = 0, n = 0; at < values[i].size(); ++n) {
      const std::size_t bytes = n % 2 == 0 ? 128u << 10 : 16u << 10;
      sources[i].push_back({values[i].data() + at, bytes});
      destinations[i].push_back({room[i].data() + at, bytes});
      at += bytes;
    }
    puts.push_back({keys[i], sources[i]});
    gets.push_back({keys[i], destinations[i]});
  }
  for (const Status status : client_.put_batch(puts)) {
    ASSERT_EQ(status, Status::kOk) << client_.last_error().text();
  }
  for (const GetOutcome& outcome : client_.get_batch(gets)) {
    ASSERT_EQ(outcome.status, Status::kOk);
  }
  EXPECT_EQ(room, values);
}

TEST_P(PoolTest, APoolDrivenThroughThreeTimesItsSizeKeepsAcceptingAndAddsUp) {
  base::Random random(7);
  const std::string value = random_value(2u << 20, 3);
  std::uint64_t put_bytes = 0;
  for (int i = 0; put_bytes < 3u * (64u << 20); ++i) {
    const std::size_t bytes = 1 + random.below(value.size());
    ASSERT_EQ(client_.put("k" + std::to_string(i), value.data(), bytes), Status::kOk) << i;
    put_bytes += bytes;
  }
  const auto status = *client_.status();
  EXPECT_GT(status.evictions, 0u);
  EXPECT_LE(status.used_bytes + status.limbo_bytes, status.capacity_bytes);
  EXPECT_EQ(status.limbo_bytes, 0u);
}

TEST_P(PoolTest, AnObjectAlmostAsLargeAsThePoolStaysUntilAnotherNeedsItsRoom) {
  const std::string value = random_value((63u << 20) + (512u << 10), 5);
  ASSERT_EQ(put("large", value), Status::kOk);
  EXPECT_EQ(*client_.get("large"), value);
  ASSERT_EQ(put("larger", value), Status::kOk);
  EXPECT_EQ(*client_.get("larger"), value);
  EXPECT_EQ(client_.get("large").code(), Status::kNotFound);
}

TEST_P(PoolTest, AHitByACachedHandleAsksNobody) {
  ASSERT_EQ(put("key", "value"), Status::kOk);
  ASSERT_TRUE(client_.get("key").ok());
  const auto before = client_.counters().meta_calls;
  char room[5];
  const Piece piece{room, 5};
  for (int i = 0; i < 50; ++i) {
    ASSERT_EQ(client_.get_into("key", {&piece, 1}).status, Status::kOk);
  }
  EXPECT_LE(client_.counters().meta_calls, before + 1);  // a report may have left
}

TEST_P(PoolTest, BadInputIsAClearStatus) {
  char byte = 0;
  EXPECT_EQ(put("", "x"), Status::kInvalidArgument);
  EXPECT_EQ(put(std::string(1025, 'k'), "x"), Status::kInvalidArgument);
  EXPECT_EQ(put("k", ""), Status::kInvalidArgument);
  EXPECT_EQ(client_.put("k", nullptr, 5), Status::kInvalidArgument);
  EXPECT_EQ(client_.put("k", &byte, (1u << 30) + 1), Status::kTooLarge);
  EXPECT_EQ(client_.put("k", &byte, 1, {.replicas = 9}), Status::kInvalidArgument);
  EXPECT_EQ(client_.put("k", &byte, 1, {.replicas = 2}), Status::kNoSpace);
  ASSERT_EQ(put("k", "four"), Status::kOk);
  char room[8];
  const Piece small{room, 3};
  const auto too_small = client_.get_into("k", {&small, 1});
  EXPECT_EQ(too_small.status, Status::kTooSmall);
  EXPECT_EQ(too_small.bytes, 4u);
  const Piece overlapping[] = {{room, 3}, {room + 2, 3}};
  EXPECT_EQ(client_.get_into("k", overlapping).status, Status::kInvalidArgument);
  const Piece null{nullptr, 8};
  EXPECT_EQ(client_.get_into("k", {&null, 1}).status, Status::kInvalidArgument);
}

TEST_P(PoolTest, ThreadsSharingAClientSeeOnlyWhatWasPut) {
  std::vector<std::thread> threads;
  std::atomic<int> wrong{0};
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      base::Random random(static_cast<std::uint64_t>(t));
      for (int i = 0; i < 60; ++i) {
        const auto number = random.below(20);
        const std::string key = "shared-" + std::to_string(number);
        const std::string value = random_value(1000 + number * 9000, number);
        const auto choice = random.below(10);
        if (choice == 0) {
          client_.remove(key);
        } else if (choice < 5) {
          client_.put(key, value.data(), value.size());
        } else if (const auto got = client_.get(key); got.ok() && *got != value) {
          ++wrong;
        }
      }
    });
  }
  for (auto& thread : threads) {
    thread.join();
  }
  EXPECT_EQ(wrong, 0);
}

TEST(Pool, AFailedCheckClosesThePoolAndNotTheProcess) {
  meta::ServerOptions faulty;
  faulty.fault_failed_check = true;
  auto pool = *embed::Pool::open({.dram_bytes = 16u << 20}, faulty);
  auto client =
      *Client::open({.meta = pool->meta_address(), .timeout = std::chrono::milliseconds(500)});
  ASSERT_EQ(client.put("k", "v", 1), Status::kOk);
  EXPECT_FALSE(is_success(client.remove("k")));
  EXPECT_FALSE(is_success(client.put("k2", "v", 1)));
  pool->close();
}

TEST(Pool, AClosedPoolAnswersWithinTheDeadline) {
  auto pool = *Pool::open({.dram_bytes = 16u << 20});
  auto client = *pool.client({.timeout = std::chrono::milliseconds(300)});
  ASSERT_EQ(client.put("k", "v", 1), Status::kOk);
  pool.close();
  EXPECT_FALSE(is_success(client.put("k2", "v", 1)));
  EXPECT_NE(client.exists("k"), Status::kOk);
  client.close();
  EXPECT_EQ(client.put("k3", "v", 1), Status::kClosed);
}

TEST(Client, AMetaThatIsNotThereIsNoErrorUntilACallAndThenAClearOne) {
  auto client =
      *Client::open({.meta = "tcp://127.0.0.1:1", .timeout = std::chrono::milliseconds(200)});
  EXPECT_EQ(client.put("k", "v", 1), Status::kUnreachable);
  EXPECT_NE(client.last_error().hint.find("aquifer meta"), std::string::npos);
  EXPECT_EQ(Client::open({.meta = "nonsense"}).code(), Status::kInvalidArgument);
}

}  // namespace
}  // namespace aquifer
