// Puts, look-ups and removal; see also state_machine_failure_test.cc,
// state_machine_pressure_test.cc and state_machine_walk_test.cc.
#include "meta/state_machine.h"

#include <gtest/gtest.h>

#include "meta/state_machine_fixture.h"

namespace aquifer::meta {
namespace {

using protocol::Method;

class StateMachineTest : public ::testing::Test {
 protected:
  Simulation sim;
  SimulatedNode& node = sim.add_node();
  SimulatedClient& client = sim.add_client();
};

TEST_F(StateMachineTest, APutIsSeenAfterItsCommitAndNotBefore) {
  const auto handle = sim.start_one(client, "key");
  ASSERT_EQ(handle.status, Status::kOk);
  ASSERT_EQ(handle.replicas.size(), 1u);
  EXPECT_EQ(units_of(handle), 3u);  // 1,000 bytes and a header
  EXPECT_TRUE(node.is(handle.replicas[0], pool::SlotState::kGranted));
  EXPECT_EQ(sim.look(client, "key").status, Status::kNotFound);
  sim.seal(handle);
  ASSERT_EQ(sim.finish(client, handle), Status::kOk);
  const auto found = sim.look(client, "key");
  ASSERT_EQ(found.status, Status::kOk);
  EXPECT_EQ(found.put, handle.put);
  EXPECT_EQ(found.value_bytes, 1000u);
  EXPECT_EQ(found.replicas[0].header_digest, 5u);
  EXPECT_EQ(found.replicas[0].generation, handle.replicas[0].generation);
  EXPECT_EQ(sim.used_units(0), 3u);
}

TEST_F(StateMachineTest, TheSameKeyInAnotherNamespaceIsAnotherObject) {
  ASSERT_EQ(sim.put(client, "key"), Status::kOk);
  const auto request = sim.ask(client, Method::kLookup, protocol::Lookup{"other", true, {"key"}});
  EXPECT_EQ(sim.handles(client, request).at(0).status, Status::kNotFound);
}

TEST_F(StateMachineTest, AnAbortedPutLeavesNothingAndItsSlotComesBackUnderANewGeneration) {
  const auto handle = sim.start_one(client, "key");
  ASSERT_EQ(sim.finish(client, handle, false), Status::kCancelled);
  sim.deliver();
  EXPECT_EQ(sim.look(client, "key").status, Status::kNotFound);
  EXPECT_EQ(sim.used_units(0), 0u);
  EXPECT_EQ(sim.limbo_units(0), 0u);
  EXPECT_EQ(node.word(handle.replicas[0].slot),
            (pool::SlotWord{handle.replicas[0].generation + 1, pool::SlotState::kGranted}));
  EXPECT_FALSE(node.seal(handle.replicas[0]));
}

TEST_F(StateMachineTest, APutOfAnExistingKeyTakesNoSpace) {
  ASSERT_EQ(sim.put(client, "key"), Status::kOk);
  EXPECT_EQ(sim.start_one(client, "key").status, Status::kExists);
  EXPECT_EQ(sim.used_units(0), 3u);
}

TEST_F(StateMachineTest, OfTwoPutsOfOneKeyTheFirstCommitWinsAndTheLosersSlotsAreRetired) {
  SimulatedClient& other = sim.add_client();
  const auto first = sim.start_one(client, "key");
  const auto second = sim.start_one(other, "key");
  ASSERT_EQ(second.status, Status::kOk);
  ASSERT_NE(first.replicas[0].slot, second.replicas[0].slot);
  sim.seal(first);
  sim.seal(second);
  EXPECT_EQ(sim.finish(other, second), Status::kOk);
  EXPECT_EQ(sim.finish(client, first), Status::kExists);
  sim.deliver();
  EXPECT_EQ(sim.look(client, "key").put, second.put);
  EXPECT_FALSE(node.is(first.replicas[0], pool::SlotState::kSealed));
  EXPECT_EQ(sim.used_units(0), 3u);
}

TEST_F(StateMachineTest, ADuplicateWithinABatchIsTwoPutsOfWhichOneWins) {
  const auto items = sim.handles(client, sim.start(client, {"key", "other", "key"}));
  ASSERT_EQ(items.size(), 3u);
  protocol::PutFinish finish;
  for (const protocol::Handle& item : items) {
    ASSERT_EQ(item.status, Status::kOk);
    sim.seal(item);
    finish.items.push_back({item.put, true, {5}});
  }
  const auto request = sim.ask(client, Method::kPutFinish, finish);
  EXPECT_TRUE(sim.statuses(client, request).empty()) << "the loser's slot has still to go";
  sim.deliver();
  EXPECT_EQ(sim.statuses(client, request),
            (std::vector<Status>{Status::kOk, Status::kOk, Status::kExists}));
  EXPECT_EQ(sim.meta.status().objects, 2u);
  EXPECT_EQ(sim.used_units(0), 6u);
}

TEST_F(StateMachineTest, ARepeatedFinishGetsTheFirstAnswer) {
  SimulatedClient& other = sim.add_client();
  const auto first = sim.start_one(client, "key");
  const auto loser = sim.start_one(other, "key");
  const auto aborted = sim.start_one(client, "third");
  sim.seal(first);
  for (int round = 0; round < 3; ++round) {
    EXPECT_EQ(sim.finish(client, first), Status::kOk);
    EXPECT_EQ(sim.finish(other, loser), Status::kExists);
    EXPECT_EQ(sim.finish(client, aborted, false), Status::kCancelled);
    sim.deliver();
  }
  EXPECT_EQ(sim.finish(client, aborted), Status::kCancelled);  // a commit does not undo an abort
  EXPECT_EQ(sim.finish(client, first, false), Status::kOk);    // nor an abort a commit
  EXPECT_EQ(sim.look(client, "key").status, Status::kOk);
  EXPECT_EQ(sim.used_units(0), 3u);
}

TEST_F(StateMachineTest, OnlyTheClientThatStartedAPutCanFinishIt) {
  SimulatedClient& other = sim.add_client();
  const auto handle = sim.start_one(client, "key");
  EXPECT_EQ(sim.finish(other, handle), Status::kDenied);
  EXPECT_EQ(sim.finish(other, handle, false), Status::kDenied);
  sim.seal(handle);
  EXPECT_EQ(sim.finish(client, handle), Status::kOk);
}

TEST_F(StateMachineTest, ACommitWithTheWrongNumberOfDigestsIsRefusedAndTakesThePutDown) {
  auto handle = sim.start_one(client, "key");
  handle.replicas.push_back(handle.replicas[0]);
  EXPECT_EQ(sim.finish(client, handle), Status::kInvalidArgument);
  sim.deliver();
  EXPECT_EQ(sim.look(client, "key").status, Status::kNotFound);
  EXPECT_EQ(sim.used_units(0), 0u);
}

TEST_F(StateMachineTest, KeysAndSizesOutOfRangeAreRefusedOneByOne) {
  protocol::PutStart start;
  start.name_space = "default";
  start.timeout_ms = 100;
  const std::string long_key(Limits::kKeyBytes + 1, 'k');
  start.items = {{"", 1}, {long_key, 1}, {"a", 0}, {"b", Limits::kValueBytes + 1}, {"c", 1}};
  const auto items = sim.handles(client, sim.ask(client, Method::kPutStart, start));
  ASSERT_EQ(items.size(), 5u);
  EXPECT_EQ(items[0].status, Status::kInvalidArgument);
  EXPECT_EQ(items[1].status, Status::kInvalidArgument);
  EXPECT_EQ(items[2].status, Status::kInvalidArgument);
  EXPECT_EQ(items[3].status, Status::kTooLarge);
  EXPECT_EQ(items[4].status, Status::kOk);
}

TEST_F(StateMachineTest, BatchesAndReplicasOverTheLimitAreRefusedWhole) {
  protocol::PutStart start;
  start.name_space = "default";
  start.items.resize(Limits::kBatchKeys + 1);
  const auto refused = [&](Method method, const auto& message) {
    return client.replies.at(sim.ask(client, method, message)).status();
  };
  EXPECT_EQ(refused(Method::kPutStart, start), Status::kInvalidArgument);
  start.items = {{"key", 1}};
  start.replicas = 0;
  EXPECT_EQ(refused(Method::kPutStart, start), Status::kInvalidArgument);
  start.replicas = Limits::kReplicas + 1;
  EXPECT_EQ(refused(Method::kPutStart, start), Status::kInvalidArgument);
  const std::vector<std::string_view> keys(Limits::kBatchKeys + 1, "key");
  EXPECT_EQ(refused(Method::kLookup, protocol::Lookup{"default", true, keys}), Status::kTooLarge);
  EXPECT_EQ(refused(Method::kMatchPrefix, protocol::MatchPrefix{"default", keys}),
            Status::kTooLarge);
  EXPECT_EQ(refused(Method::kRemove, protocol::Remove{"default", 1, keys}), Status::kTooLarge);
}

TEST_F(StateMachineTest, ReplicasLieOnDistinctNodesAndThePreferredComesFirst) {
  sim.add_node();
  sim.add_node();
  for (const char* preferred : {"node-1", "node-2", "node-3"}) {
    const auto items = sim.handles(client, sim.start(client, {preferred}, 1000, 3, 100, preferred));
    ASSERT_EQ(items.size(), 1u);
    ASSERT_EQ(items[0].replicas.size(), 3u);
    EXPECT_EQ(sim.node_of(items[0].replicas[0]).name(), preferred);
    std::set<base::NodeId> distinct;
    for (const protocol::Replica& replica : items[0].replicas) {
      distinct.insert(replica.node);
    }
    EXPECT_EQ(distinct.size(), 3u);
  }
}

TEST_F(StateMachineTest, TooFewNodesOrAnObjectLargerThanEveryNodeIsNoSpace) {
  EXPECT_EQ(sim.start_one(client, "key", 1000, 2).status, Status::kNoSpace);
  EXPECT_EQ(sim.start_one(client, "key", node.units() * pool::kUnitBytes).status, Status::kNoSpace);
  EXPECT_EQ(sim.used_units(0), 0u);
}

TEST_F(StateMachineTest, MatchPrefixEndsAtTheFirstMiss) {
  for (const char* key : {"a", "b", "d"}) {
    ASSERT_EQ(sim.put(client, key), Status::kOk);
  }
  const auto request =
      sim.ask(client, Method::kMatchPrefix, protocol::MatchPrefix{"default", {"a", "b", "c", "d"}});
  const auto items = sim.handles(client, request);
  ASSERT_EQ(items.size(), 2u);
  EXPECT_EQ(items[1].put, sim.look(client, "b").put);
}

TEST_F(StateMachineTest, ARemoveIsAnsweredWhenTheNodeHasConfirmed) {
  ASSERT_EQ(sim.put(client, "key"), Status::kOk);
  const auto handle = sim.look(client, "key");
  const auto request = sim.remove(client, {"key", "absent"});
  EXPECT_TRUE(sim.statuses(client, request).empty()) << "the node has not been heard yet";
  EXPECT_EQ(sim.look(client, "key").status, Status::kNotFound);
  EXPECT_TRUE(node.is(handle.replicas[0], pool::SlotState::kSealed));
  sim.deliver();
  EXPECT_EQ(sim.statuses(client, request), (std::vector<Status>{Status::kOk, Status::kNotFound}));
  EXPECT_FALSE(node.is(handle.replicas[0], pool::SlotState::kSealed));
  EXPECT_EQ(sim.used_units(0), 0u);
}

TEST_F(StateMachineTest, ARemoveWhoseNodeStaysSilentIsPendingAtItsDeadline) {
  ASSERT_EQ(sim.put(client, "key"), Status::kOk);
  const auto request = sim.remove(client, {"absent", "key"}, 50);
  sim.meta.tick(sim.now += Time(49));
  sim.collect(client);
  EXPECT_TRUE(sim.statuses(client, request).empty());
  sim.meta.tick(sim.now += Time(1));
  sim.collect(client);
  EXPECT_EQ(sim.statuses(client, request),
            (std::vector<Status>{Status::kNotFound, Status::kPending}));
  sim.deliver();  // the late confirmation answers nothing twice, and frees the space
  EXPECT_EQ(sim.used_units(0), 0u);
}

TEST_F(StateMachineTest, ARemoveOfTwoReplicasWaitsForBothNodes) {
  sim.add_node();
  ASSERT_EQ(sim.put(client, "key", 1000, 2), Status::kOk);
  const auto request = sim.remove(client, {"key"});
  while (sim.step(*sim.nodes[0])) {
  }
  sim.collect(client);
  EXPECT_TRUE(sim.statuses(client, request).empty());
  sim.deliver();
  EXPECT_EQ(sim.statuses(client, request), (std::vector<Status>{Status::kOk}));
}

TEST_F(StateMachineTest, APutWhoseKeyWasRemovedCannotCommit) {
  const auto handle = sim.start_one(client, "key");
  const auto request = sim.remove(client, {"key"});
  sim.deliver();
  EXPECT_EQ(sim.statuses(client, request), (std::vector<Status>{Status::kOk}));
  EXPECT_FALSE(node.seal(handle.replicas[0])) << "the slot was taken from its writer";
  EXPECT_EQ(sim.finish(client, handle), Status::kCancelled);
  EXPECT_EQ(sim.look(client, "key").status, Status::kNotFound);
  EXPECT_EQ(sim.put(client, "key"), Status::kOk) << "a put that starts afterwards is not concerned";
}

TEST_F(StateMachineTest, APutThatWasSealedBeforeTheRemoveCannotCommitEither) {
  const auto handle = sim.start_one(client, "key");
  sim.seal(handle);
  sim.remove(client, {"key"});
  EXPECT_EQ(sim.finish(client, handle), Status::kCancelled);
  sim.deliver();
  EXPECT_EQ(sim.look(client, "key").status, Status::kNotFound);
  EXPECT_EQ(sim.used_units(0), 0u);
}

TEST_F(StateMachineTest, APutWhoseKeyIsRemovedWhileItWaitsForSpaceIsNotAnsweredOk) {
  SimulatedClient& other = sim.add_client();
  const auto half = node.units() * pool::kUnitBytes / 2;
  const auto held = sim.start_one(other, "held", half);
  const auto request = sim.start(client, {"small", "large"}, half - 8192);
  ASSERT_TRUE(sim.handles(client, request).empty());
  sim.remove(other, {"small"});
  sim.seal(held);
  ASSERT_EQ(sim.finish(other, held), Status::kOk);
  sim.deliver();
  const auto items = sim.handles(client, request);
  ASSERT_EQ(items.size(), 2u);
  EXPECT_EQ(items[0].status, Status::kCancelled);
  ASSERT_EQ(items[1].status, Status::kOk);
  sim.seal(items[1]);
  EXPECT_EQ(sim.finish(client, items[1]), Status::kOk);
  sim.deliver();
  EXPECT_EQ(sim.used_units(0),
            units_of(sim.look(client, "large")) + units_of(sim.look(client, "held")))
      << "nothing is left of the one that was removed";
}

TEST_F(StateMachineTest, ADamagedReplicaIsDroppedOnTheNodesWordAlone) {
  ASSERT_EQ(sim.put(client, "key"), Status::kOk);
  const auto replica = sim.look(client, "key").replicas[0];
  protocol::Report report;
  report.suspects = {{replica.segment, replica.slot, replica.generation},
                     {replica.segment, replica.slot, replica.generation + 1},
                     {base::SegmentId{77}, 0, 1}};
  sim.ask(client, Method::kReport, report);
  const auto asked = sim.outbox.take(sim.session_of[&node]);
  ASSERT_EQ(asked.size(), 1u) << "only what is listed is checked";
  ASSERT_EQ(asked[0].method(), Method::kVerify);
  EXPECT_EQ(asked[0].as<protocol::Verify>().header_digest, 5u);
  EXPECT_EQ(sim.look(client, "key").status, Status::kOk);
  const auto say = [&](bool bad) {
    sim.handle(sim.session_of[&node],
               letter(Method::kVerified,
                      protocol::Verified{replica.segment, replica.slot, replica.generation, bad}));
  };
  say(false);
  EXPECT_EQ(sim.look(client, "key").status, Status::kOk);
  say(true);
  say(true);
  EXPECT_EQ(sim.look(client, "key").status, Status::kNotFound);
  sim.deliver();
  EXPECT_EQ(sim.used_units(0), 0u);
}

TEST_F(StateMachineTest, WhatClientsAndNodesReportIsInTheStatus) {
  protocol::Report report;
  report.moved = {{node.id(), 10, 20}, {base::NodeId{99}, 1, 1}};
  report.integrity_failures = 2;
  sim.ask(client, Method::kReport, report);
  sim.ask(client, Method::kReport, report);
  sim.handle(sim.session_of[&node], letter(Method::kNodeBeat, protocol::NodeBeat{5, 6}));
  const auto status = sim.meta.status();
  ASSERT_EQ(status.nodes.size(), 1u);
  EXPECT_EQ(status.nodes[0].shm_read, 20u);
  EXPECT_EQ(status.nodes[0].shm_written, 40u);
  EXPECT_EQ(status.nodes[0].tcp_read, 5u);
  EXPECT_EQ(status.nodes[0].tcp_written, 6u);
  EXPECT_EQ(status.integrity_failures, 4u);
}

}  // namespace
}  // namespace aquifer::meta
