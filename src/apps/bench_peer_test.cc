#include "apps/bench_peer.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace aquifer::apps {
namespace {

const PeerProtocol& protocol_called(std::string_view name) {
  const auto all = peer_protocols();
  return *std::find_if(all.begin(), all.end(), [&](const auto& one) { return one.name == name; });
}

TEST(PeerProtocol, OfRedisIsArraysOfBulkStrings) {
  const PeerProtocol& redis = protocol_called("redis");
  EXPECT_EQ(redis.set_head("key", 4096), "*3\r\n$3\r\nSET\r\n$3\r\nkey\r\n$4096\r\n");
  EXPECT_EQ(redis.get_request("key"), "*2\r\n$3\r\nGET\r\n$3\r\nkey\r\n");
  EXPECT_EQ(redis.value_head("key", 4096), "$4096\r\n");
}

TEST(PeerProtocol, OfMemcachedIsItsTextProtocolWithItemsLargeEnoughForABlock) {
  const PeerProtocol& memcached = protocol_called("memcached");
  EXPECT_EQ(memcached.set_head("key", 4096), "set key 0 0 4096\r\n");
  EXPECT_EQ(memcached.get_request("key"), "get key\r\n");
  EXPECT_EQ(memcached.value_head("key", 4096), "VALUE key 0 4096\r\n");
  const auto words = memcached.arguments("/socket", 1 << 30);
  EXPECT_NE(std::ranges::find(words, "64m"), words.end());
  EXPECT_NE(std::ranges::find(words, "2304"), words.end());
}

TEST(BenchPeer, NamesThePackageOfAServerThatIsNotThere) {
  PeerProtocol absent = protocol_called("redis");
  absent.program = "aquifer-has-no-such-server";
  const auto started = BenchPeer::start(absent, 1 << 20);
  ASSERT_FALSE(started.ok());
  EXPECT_EQ(started.code(), Status::kNotSupported);
  EXPECT_EQ(started.error().message, "aquifer-has-no-such-server is not installed");
  EXPECT_EQ(started.error().hint, "apt-get install redis-server");
}

}  // namespace
}  // namespace aquifer::apps
