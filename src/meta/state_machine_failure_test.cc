// Clients and nodes that go away, come back, or come twice.
#include <gtest/gtest.h>

#include "meta/state_machine.h"
#include "meta/state_machine_fixture.h"

namespace aquifer::meta {
namespace {

using protocol::Method;

class StateMachineFailureTest : public ::testing::Test {
 protected:
  Simulation sim;
  SimulatedNode& node = sim.add_node();
  SimulatedClient& client = sim.add_client();
  SimulatedClient& other = sim.add_client();
};

TEST_F(StateMachineFailureTest, AClientThatGoesAwayHasItsPutsAbortedAfterTheGraceTime) {
  const auto handle = sim.start_one(client, "key");
  sim.disconnect(client);
  sim.pass(Time(999));
  EXPECT_EQ(sim.used_units(0), units_of(handle));
  sim.pass(Time(1));
  EXPECT_EQ(sim.used_units(0), 0u);
  EXPECT_EQ(sim.limbo_units(0), 0u);
  sim.connect(client);
  EXPECT_EQ(sim.finish(client, handle), Status::kCancelled);
}

TEST_F(StateMachineFailureTest, AClientThatComesBackInTimeCanCommit) {
  const auto handle = sim.start_one(client, "key");
  sim.seal(handle);
  sim.disconnect(client);
  sim.pass(Time(900));
  sim.connect(client);
  sim.pass(Time(500));
  EXPECT_EQ(sim.finish(client, handle), Status::kOk);
  EXPECT_EQ(sim.look(other, "key").status, Status::kOk);
}

TEST_F(StateMachineFailureTest, APutThatIsNotFinishedExpires) {
  const auto handle = sim.start_one(client, "key");  // 1 s, and the grace of its commit
  sim.pass(Time(1999));
  EXPECT_EQ(sim.used_units(0), units_of(handle));
  sim.pass(Time(1));
  EXPECT_EQ(sim.used_units(0), 0u);
  EXPECT_EQ(sim.finish(client, handle), Status::kCancelled);
}

TEST_F(StateMachineFailureTest, LimboIsCountedAndComesBackWhenTheNodeSaysSo) {
  const auto handle = sim.start_one(client, "key");
  ASSERT_TRUE(node.enter(handle.replicas[0], client.id));
  sim.disconnect(client);
  sim.pass(Time(1000));
  EXPECT_EQ(sim.used_units(0), 0u);
  EXPECT_EQ(sim.limbo_units(0), units_of(handle));
  node.poll();
  sim.deliver();
  EXPECT_EQ(sim.limbo_units(0), units_of(handle)) << "it is still being written";
  node.forget(client.id);
  node.poll();
  sim.deliver();
  EXPECT_EQ(sim.limbo_units(0), 0u);
  EXPECT_EQ(sim.used_units(0), 0u);
}

TEST_F(StateMachineFailureTest, NothingIsEvictedWhereItIsANodeThatIsMissing) {
  SimulatedNode& second = sim.add_node();
  ASSERT_EQ(sim.put(client, "key"), Status::kOk);
  sim.disconnect(second);
  const auto request = sim.start(client, {"twice"}, 1000, 2);
  EXPECT_TRUE(sim.handles(client, request).empty()) << "it may come back in time";
  sim.pass(Time(200));
  sim.connect(second);
  sim.pass(Time(200));
  EXPECT_EQ(sim.handles(client, request).at(0).status, Status::kOk);
  EXPECT_EQ(sim.meta.status().evictions, 0u);
  EXPECT_EQ(sim.look(client, "key").status, Status::kOk);
}

// Starts puts of one unit run each until there is no room; the units that were handed out.
std::set<std::uint32_t> all_that_is_handed_out(Simulation& sim, SimulatedClient& client) {
  std::set<std::uint32_t> units;
  for (int i = 0;; ++i) {
    const auto handle = sim.start_one(client, "filler-" + std::to_string(i), 60'000);
    if (handle.status != Status::kOk) {
      return units;
    }
    for (const protocol::Run& run : handle.replicas.at(0).extents) {
      for (std::uint32_t unit = 0; unit < run.units; ++unit) {
        EXPECT_TRUE(units.insert(run.first_unit + unit).second);
      }
    }
  }
}

TEST_F(StateMachineFailureTest, LimboIsNeverHandedOut) {
  const auto handle = sim.start_one(client, "key", 60'000);
  ASSERT_TRUE(node.enter(handle.replicas[0], client.id));
  sim.disconnect(client);
  sim.pass(Time(1000));
  const auto units = all_that_is_handed_out(sim, other);
  const protocol::Run run = handle.replicas[0].extents[0];
  EXPECT_FALSE(units.contains(run.first_unit));
  EXPECT_EQ(units.size(), node.units() / units_of(handle) * units_of(handle) - units_of(handle));
}

TEST(StateMachineFault, WithReuseLimboItIsHandedOut) {
  StateOptions options{base::PoolId{1}, 1, 7, 99};
  options.fault_reuse_limbo = true;
  Simulation sim(options);
  SimulatedNode& node = sim.add_node();
  SimulatedClient& client = sim.add_client();
  SimulatedClient& other = sim.add_client();
  const auto handle = sim.start_one(client, "key", 60'000);
  ASSERT_TRUE(node.enter(handle.replicas[0], client.id));
  sim.disconnect(client);
  sim.pass(Time(1000));
  EXPECT_EQ(sim.limbo_units(0), 0u);
  const auto units = all_that_is_handed_out(sim, other);
  EXPECT_TRUE(units.contains(handle.replicas[0].extents[0].first_unit));
  node.forget(client.id);
  node.poll();
  sim.deliver();  // the slot comes back, its space does not come back twice
  EXPECT_EQ(sim.limbo_units(0), 0u);
  EXPECT_EQ(sim.used_units(0), units.size());
}

TEST_F(StateMachineFailureTest, AWriterThatLeavesAnExpiredPutGivesItsSpaceBack) {
  const auto handle = sim.start_one(client, "key");
  ASSERT_TRUE(node.enter(handle.replicas[0], client.id));
  sim.pass(Time(2000));
  ASSERT_EQ(sim.limbo_units(0), units_of(handle));
  node.leave(handle.replicas[0], client.id);
  node.poll();
  EXPECT_EQ(sim.finish(client, handle, false), Status::kCancelled);
  sim.deliver();
  EXPECT_EQ(sim.limbo_units(0), 0u);
  EXPECT_EQ(sim.used_units(0), 0u);
  EXPECT_EQ(node.limbo(), 0u);
}

TEST_F(StateMachineFailureTest, ABatchThatWaitedForAClientThatIsGoneHoldsNothing) {
  const auto half = node.units() * pool::kUnitBytes / 2;
  const auto held = sim.start_one(other, "held", half);
  sim.start(client, {"a", "b"}, half - 8192, 1, 60'000);
  EXPECT_GT(sim.used_units(0), units_of(held));
  sim.disconnect(client);
  sim.pass(Time(1000));
  EXPECT_EQ(sim.used_units(0), units_of(held));
  sim.pass(Time(70'000));  // its deadline, at which nobody is to be answered any more
  sim.connect(other);
  sim.pass(Time(1000));
  EXPECT_EQ(sim.used_units(0), 0u);
  EXPECT_EQ(sim.put(other, "c", half), Status::kOk);
}

TEST_F(StateMachineFailureTest, APutThatIsEndedBeforeItsStartIsAnsweredIsCancelledInTheAnswer) {
  const auto half = node.units() * pool::kUnitBytes / 2;
  const auto held = sim.start_one(other, "held", half);
  const auto waiting = sim.start(client, {"a", "b"}, half - 8192, 1, 60'000);
  ASSERT_GT(sim.used_units(0), units_of(held));
  protocol::Handle guessed;  // numbers are given out in a row
  guessed.put = {held.put.epoch, held.put.sequence + 1};
  EXPECT_EQ(sim.finish(client, guessed, false), Status::kCancelled);
  EXPECT_EQ(sim.finish(other, held, false), Status::kCancelled);
  sim.pass(Time(10));
  sim.collect(client);
  const auto answers = sim.handles(client, waiting);
  ASSERT_EQ(answers.size(), 2u);
  EXPECT_EQ(answers[0].status, Status::kCancelled);
  EXPECT_EQ(answers[1].status, Status::kOk);
  EXPECT_EQ(sim.used_units(0), units_of(answers[1]));
}

TEST_F(StateMachineFailureTest, ABatchOfAConnectionThatItsClientHasLeftHoldsNothing) {
  const auto half = node.units() * pool::kUnitBytes / 2;
  const auto held = sim.start_one(other, "held", half);
  sim.start(client, {"a", "b"}, half - 8192, 1, 60'000);
  const SessionId left = client.session;
  sim.connect(client);  // by another connection, while the first one lingers
  sim.deliver();
  EXPECT_EQ(sim.used_units(0), units_of(held));
  sim.disconnect(client);
  sim.pass(Time(5000));
  sim.meta.disconnected(left, sim.now);
  sim.pass(Time(70'000));
  sim.connect(other);
  sim.pass(Time(1000));
  EXPECT_EQ(sim.put(other, "c", half), Status::kOk);
}

TEST_F(StateMachineFailureTest, ALostNodesObjectsAreNotOfferedAndComeBackWithItInTime) {
  ASSERT_EQ(sim.put(client, "key"), Status::kOk);
  const auto before = sim.look(client, "key");
  sim.disconnect(node);
  EXPECT_EQ(sim.look(client, "key").status, Status::kUnreachable);
  EXPECT_EQ(sim.look(client, "key").replicas.size(), 0u);
  EXPECT_EQ(sim.meta.status().nodes.at(0).state, "lost");
  sim.pass(Time(4999));
  sim.connect(node);
  sim.deliver();
  const auto after = sim.look(client, "key");
  EXPECT_EQ(after.status, Status::kOk);
  EXPECT_EQ(after.put, before.put);
  EXPECT_EQ(sim.meta.status().nodes.at(0).state, "alive");
  EXPECT_EQ(sim.put(client, "another"), Status::kOk);
}

TEST_F(StateMachineFailureTest, ALostNodesObjectsAreDroppedAfterTheGraceTime) {
  ASSERT_EQ(sim.put(client, "key"), Status::kOk);
  sim.disconnect(node);
  sim.pass(Time(5000));
  EXPECT_EQ(sim.look(client, "key").status, Status::kNotFound);
  EXPECT_EQ(sim.meta.status().nodes.size(), 0u);
  sim.connect(node);
  sim.deliver();
  EXPECT_EQ(sim.look(client, "key").status, Status::kNotFound);
  EXPECT_EQ(sim.put(client, "key"), Status::kOk);
}

TEST_F(StateMachineFailureTest, AnObjectWithAnotherReplicaOutlivesANode) {
  sim.add_node();
  ASSERT_EQ(sim.put(client, "key", 1000, 2), Status::kOk);
  sim.disconnect(node);
  EXPECT_EQ(sim.look(client, "key").replicas.size(), 1u);
  sim.pass(Time(5000));
  const auto found = sim.look(client, "key");
  EXPECT_EQ(found.status, Status::kOk);
  ASSERT_EQ(found.replicas.size(), 1u);
  EXPECT_EQ(found.replicas[0].node, sim.nodes[1]->id());
}

TEST_F(StateMachineFailureTest, AnOpenPutOnADroppedNodeIsCancelledAndItsOtherReplicaTakenBack) {
  sim.add_node();
  const auto handle = sim.start_one(client, "key", 1000, 2);
  ASSERT_EQ(handle.replicas.size(), 2u);
  sim.disconnect(node);
  sim.meta.tick(sim.now += Time(1));
  sim.pass(Time(5000));
  sim.connect(client);
  EXPECT_EQ(sim.finish(client, handle), Status::kCancelled);
  sim.deliver();
  EXPECT_EQ(sim.used_units(0), 0u);
  EXPECT_EQ(sim.limbo_units(0), 0u);
}

TEST_F(StateMachineFailureTest, ANodeThatComesBackIsToldAgainWhatIsToBeRetired) {
  ASSERT_EQ(sim.put(client, "key"), Status::kOk);
  sim.remove(client, {"key"}, 100);
  sim.disconnect(node);  // the request is lost with the connection
  sim.pass(Time(500));
  EXPECT_EQ(sim.used_units(0), 3u);
  sim.connect(node);
  sim.deliver();
  EXPECT_EQ(sim.used_units(0), 0u);
}

TEST_F(StateMachineFailureTest, ALostAnswerIsRepeatedAndNotCountedTwice) {
  ASSERT_EQ(sim.put(client, "key"), Status::kOk);
  sim.remove(client, {"key"});
  for (const Letter& message : sim.outbox.take(sim.session_of[&node])) {
    node.receive(message);
  }
  const Letter answer = node.outgoing.at(0);
  sim.disconnect(node);  // the answer is lost
  sim.connect(node);
  sim.deliver();
  EXPECT_EQ(sim.used_units(0), 0u);
  for (int round = 0; round < 3; ++round) {  // and comes late, several times
    sim.handle(sim.session_of[&node], answer);
  }
  sim.deliver();
  EXPECT_EQ(sim.put(client, "again", 60'000), Status::kOk);
  EXPECT_EQ(sim.used_units(0), units_of(sim.look(client, "again")));
}

TEST_F(StateMachineFailureTest, ASecondLiveNodeOfTheSameNameIsRefusedByName) {
  SimulatedNode twin(50, "node-1", 1024);
  const SessionId session = ++sim.last_session;
  sim.handle(session, letter(Method::kNodeHello, twin.hello(), 1));
  const auto answers = sim.outbox.take(session);
  ASSERT_EQ(answers.size(), 1u);
  EXPECT_EQ(answers[0].status(), Status::kConflict);
  EXPECT_NE(answers[0].payload.find("node-1"), std::string::npos);
  sim.disconnect(node);  // a lost one makes way
  sim.handle(session, letter(Method::kNodeHello, twin.hello(), 2));
  EXPECT_EQ(sim.outbox.take(session).at(0).status(), Status::kOk);
  // What the lost one holds may still be read on its host: it is forgotten in its time.
  EXPECT_EQ(sim.meta.status().nodes.size(), 2u);
  const auto nodes = sim.meta.status().nodes;
  EXPECT_EQ(nodes[0].state, "lost");
  EXPECT_EQ(nodes[1].state, "alive");
}

TEST_F(StateMachineFailureTest, ANodeThatLeavesTakesItsObjectsAlong) {
  ASSERT_EQ(sim.put(client, "key"), Status::kOk);
  const auto request = sim.remove(client, {"key"});
  sim.handle(sim.session_of[&node], letter(Method::kNodeLeave, protocol::Empty{}, 9));
  sim.collect(client);
  EXPECT_EQ(sim.statuses(client, request), (std::vector<Status>{Status::kOk}));
  EXPECT_EQ(sim.meta.status().nodes.size(), 0u);
  EXPECT_EQ(sim.start_one(client, "key").status, Status::kInFlight) << "a node may still join";
  sim.pass(Time(1000));
  EXPECT_EQ(client.replies.rbegin()->second.as<protocol::Handles>().items.at(0).status,
            Status::kUnreachable);
}

TEST_F(StateMachineFailureTest, ASessionIsOneClientAndOneNode) {
  const auto hello = letter(Method::kClientHello, protocol::ClientHello{{77}, 1}, 500);
  sim.handle(client.session, hello);
  sim.collect(client);
  EXPECT_EQ(client.replies.at(500).status(), Status::kConflict);
  SimulatedNode second(50, "second", 1024);
  const SessionId session = sim.session_of[&node];
  sim.handle(session, letter(Method::kNodeHello, second.hello(), 3));
  EXPECT_EQ(sim.outbox.take(session).at(0).status(), Status::kConflict);
  EXPECT_EQ(sim.meta.status().nodes.size(), 1u);
}

TEST_F(StateMachineFailureTest, AClientsNewSessionTakesOverFromItsOld) {
  const auto handle = sim.start_one(client, "key");
  const SessionId old = client.session;
  sim.connect(client);
  sim.seal(handle);
  EXPECT_EQ(sim.finish(client, handle), Status::kOk);
  sim.meta.disconnected(old, sim.now);  // noticed late; the client is not gone by it
  const auto next = sim.start_one(client, "next");
  sim.pass(Time(1500));
  EXPECT_EQ(sim.finish(client, next), Status::kOk);
}

TEST_F(StateMachineFailureTest, ASilentNodeIsSuspectedGetsNothingNewAndIsReadLast) {
  SimulatedNode& second = sim.add_node();
  ASSERT_EQ(sim.put(client, "both", 1000, 2), Status::kOk);
  node.hangs = true;
  sim.pass(Time(1500));
  EXPECT_EQ(sim.meta.status().nodes.at(0).state, "suspect");
  EXPECT_EQ(sim.look(client, "both").replicas.at(0).node, second.id());
  for (int i = 0; i < 5; ++i) {
    const auto handle = sim.start_one(client, "key-" + std::to_string(i));
    ASSERT_EQ(handle.status, Status::kOk);
    EXPECT_EQ(handle.replicas.at(0).node, second.id());
  }
  node.hangs = false;
  sim.pass(Time(10));
  EXPECT_EQ(sim.meta.status().nodes.at(0).state, "alive");
  EXPECT_EQ(sim.look(client, "both").replicas.size(), 2u);
}

TEST_F(StateMachineFailureTest, NodesAreNotBlamedForTheTimeInWhichMetaItselfWasStopped) {
  ASSERT_EQ(sim.put(client, "key"), Status::kOk);
  sim.pass(Time(100));
  sim.now += Time(60'000);
  sim.meta.tick(sim.now);  // before it hears what the node has said meanwhile
  EXPECT_EQ(sim.meta.status().nodes.at(0).state, "alive");
  sim.pass(Time(100));
  EXPECT_EQ(sim.look(client, "key").status, Status::kOk);
}

TEST_F(StateMachineFailureTest, ANodeThatIsSilentForTheGraceTimeIsLostWithWhatItHolds) {
  ASSERT_EQ(sim.put(client, "key"), Status::kOk);
  node.hangs = true;
  sim.pass(Time(3000));
  EXPECT_EQ(sim.meta.status().nodes.size(), 1u);
  sim.pass(Time(3000));
  EXPECT_TRUE(sim.meta.status().nodes.empty());
  EXPECT_EQ(sim.meta.status().objects, 0u);
}

TEST_F(StateMachineFailureTest, WhatOnlyALostNodeHoldsCanBePutAgainElsewhere) {
  ASSERT_EQ(sim.put(client, "key"), Status::kOk);
  sim.disconnect(node);
  SimulatedNode& second = sim.add_node();
  EXPECT_EQ(sim.look(client, "key").status, Status::kUnreachable);
  ASSERT_EQ(sim.put(client, "key"), Status::kOk);
  EXPECT_EQ(sim.look(client, "key").replicas.at(0).node, second.id());
  sim.connect(node);
  sim.deliver();
  EXPECT_EQ(sim.look(client, "key").replicas.size(), 1u);
  sim.pass(Time(100));
  EXPECT_EQ(sim.used_units(0), 0u) << "the old replica has gone back";
}

}  // namespace
}  // namespace aquifer::meta
