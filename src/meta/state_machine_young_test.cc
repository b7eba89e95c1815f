// A meta that has just started, and cannot know yet whether its pool is a new one: what it takes
// for the whole of it, and what it remembers for those who come later.
#include <gtest/gtest.h>

#include "base/hash.h"
#include "meta/state_machine_fixture.h"
#include "protocol/epoch.h"

namespace aquifer::meta {
namespace {

using protocol::make_epoch;
using protocol::Method;

class YoungMetaTest : public ::testing::Test {
 protected:
  static constexpr std::uint64_t kSecret = 99;
  static constexpr std::uint32_t kUnits = 64;

  static StateOptions options() {
    StateOptions options;
    options.pool = {1};
    options.process = 7;
    options.secret = kSecret;
    return options;
  }
  // What a node knows of the pool says so itself.
  SessionId node(std::uint64_t id, std::uint64_t epoch, base::PoolId pool,
                 std::vector<base::NodeId> members, std::uint32_t granted_units = 0) {
    const std::string name = "node-" + std::to_string(id);
    protocol::NodeHello hello;
    hello.node = {id};
    hello.name = name;
    hello.address = "tcp://127.0.0.1:7000";
    hello.segment = {id * 1000};
    hello.data_bytes = kUnits * pool::kUnitBytes;
    hello.slots = 64;
    hello.epoch = epoch;
    hello.pool = pool;
    hello.lasts = true;
    hello.lasting = std::move(members);
    hello.granted_units = granted_units;
    hello.granted_slots = granted_units != 0 ? 16 : 0;
    return handle(++last_session_, letter(Method::kNodeHello, hello, 1));
  }
  SessionId client(std::uint64_t id, std::uint64_t epoch) {
    return handle(++last_session_,
                  letter(Method::kClientHello, protocol::ClientHello{{id}, 1, epoch}, 1));
  }
  Status remove(SessionId session, std::string_view key) {
    outbox_.take(session);
    handle(session, letter(Method::kRemove, protocol::Remove{"space", 0, {key}}, 2));
    const auto replies = outbox_.take(session);
    return replies.at(0).as<protocol::Statuses>().items.at(0);
  }
  // The lists of members that it was told of since the last call; the latest one.
  std::size_t members_told(SessionId session) {
    std::size_t members = SIZE_MAX;
    for (const Letter& message : outbox_.take(session)) {
      if (message.method() == Method::kMembers) {
        members = message.as<protocol::Members>().lasting.size();
      }
    }
    return members;
  }
  SessionId handle(SessionId session, const Letter& message) {
    meta_.handle(session, {message.header, message.payload}, now_);
    return session;
  }

  Time now_{1'000'000};
  RecordingOutbox outbox_;
  StateMachine meta_{options(), outbox_};
  SessionId last_session_ = 0;
};

TEST_F(YoungMetaTest, TheMembersThatTheLatestMetaHasNamedAreThePool) {
  node(1, make_epoch(1, 5), {}, {{1}, {2}});
  const SessionId caller = client(1, make_epoch(1, 5));
  EXPECT_EQ(remove(caller, "key"), Status::kPending) << "the second node has yet to come";
  node(2, make_epoch(1, 5), {}, {{1}, {2}});
  EXPECT_EQ(remove(caller, "key"), Status::kNotFound);
}

// The meta of the list did not know of the client's, or it would have risen above it: it was there
// for a moment, and has heard of a new node alone.
TEST_F(YoungMetaTest, AListOfAMetaThatDidNotKnowOfALaterOneIsNotThePool) {
  const SessionId member = node(1, make_epoch(1, 5), {}, {{1}});
  EXPECT_EQ(members_told(member), 1u);
  const SessionId caller = client(1, make_epoch(2, 6));
  EXPECT_EQ(members_told(member), 0u) << "the next meta is not to take it for the whole either";
  EXPECT_EQ(remove(caller, "key"), Status::kPending);
  node(2, make_epoch(3, 4), {9}, {{2}});
  EXPECT_EQ(remove(caller, "key"), Status::kNotFound);
}

// It stops before meta gives the node up, by as much as readers trust a heartbeat.
TEST_F(YoungMetaTest, AWelcomeSaysForHowLongAHeartMayBeatUnanswered) {
  const auto welcome = outbox_.take(node(1, 0, {}, {})).at(0).as<protocol::NodeWelcome>();
  EXPECT_EQ(Time(welcome.trust_ms), options().node_grace - pool::kHeartbeatLease);
}

TEST_F(YoungMetaTest, WhatIsRemovedIsTakenBackFromNodesThatComeLater) {
  node(1, 0, {}, {});
  EXPECT_EQ(remove(client(1, 0), "key"), Status::kNotFound) << "all are new to the pool";
  const SessionId late = node(2, make_epoch(3, 4), {9}, {{2}}, kUnits);
  const base::Hash128 hash = base::KeyHasher(kSecret)("space", "key");
  protocol::RecoveredObject object;
  object.hash_low = hash.low;
  object.hash_high = hash.high;
  object.put = {make_epoch(3, 4), 20};
  object.value_bytes = 100;
  object.generation = 4;
  object.extents.push_back({0, 1});
  protocol::Recovered report;
  report.segment = {2000};
  report.objects.push_back(std::move(object));
  report.free_runs.push_back({1, kUnits - 1});
  report.end = true;
  handle(late, letter(Method::kRecovered, report));
  EXPECT_EQ(meta_.status().objects, 0u);
}

}  // namespace
}  // namespace aquifer::meta
