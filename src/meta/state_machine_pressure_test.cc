// Full segments: grants, eviction, waiting, and frames that make no sense.
#include <gtest/gtest.h>

#include "base/random.h"
#include "meta/state_machine.h"
#include "meta/state_machine_fixture.h"

namespace aquifer::meta {
namespace {

using protocol::Method;

constexpr std::uint64_t kBlock = 30 * pool::kUnitBytes - 192;  // 30 units with its header

class StateMachinePressureTest : public ::testing::Test {
 protected:
  Simulation sim;
  SimulatedNode& node = sim.add_node(300);
  SimulatedClient& client = sim.add_client();
  SimulatedClient& other = sim.add_client();

  std::uint64_t start_batch(SimulatedClient& who, const std::string& prefix, int keys,
                            std::uint32_t timeout_ms = 1000) {
    std::vector<std::string> names;
    for (int i = 0; i < keys; ++i) {
      names.push_back(prefix + std::to_string(i));
    }
    return sim.start(who, names, kBlock, 1, timeout_ms);
  }
  void commit_all(SimulatedClient& who, std::uint64_t request) {
    for (const auto& handle : sim.handles(who, request)) {
      ASSERT_EQ(handle.status, Status::kOk);
      sim.seal(handle);
      ASSERT_EQ(sim.finish(who, handle), Status::kOk);
    }
  }
};

TEST_F(StateMachinePressureTest, SpaceIsHandedOutAsTheNodeGrantsIt) {
  Simulation fresh;
  fresh.nodes.push_back(std::make_unique<SimulatedNode>(1, "node-1", 300));
  SimulatedNode& slow = *fresh.nodes[0];
  slow.populate(0);
  fresh.connect(slow);
  fresh.deliver();
  SimulatedClient& writer = fresh.add_client();
  const auto request = fresh.start(writer, {"key"}, kBlock);
  fresh.deliver();
  EXPECT_TRUE(fresh.handles(writer, request).empty());
  slow.populate(30);
  fresh.deliver();
  ASSERT_EQ(fresh.handles(writer, request).size(), 1u);
  EXPECT_EQ(fresh.handles(writer, request)[0].replicas.at(0).extents.at(0).first_unit, 0u);
  EXPECT_EQ(fresh.start_one(writer, "next", kBlock).status, Status::kInFlight);
  slow.populate(300);
  fresh.deliver();
  EXPECT_EQ(fresh.handles(writer, writer.last_request).at(0).status, Status::kOk);
}

TEST_F(StateMachinePressureTest, NothingIsEvictedWhileThereIsMemoryThatNobodyHasUsed) {
  constexpr std::uint64_t kLarge = (8784u << 10) + 100;  // does not end where the next may begin
  Simulation fresh;
  fresh.nodes.push_back(std::make_unique<SimulatedNode>(1, "node-1", 300'000));
  SimulatedNode& slow = *fresh.nodes[0];
  slow.populate(20'000);
  fresh.connect(slow);
  fresh.deliver();
  SimulatedClient& writer = fresh.add_client();
  const auto first = fresh.start_one(writer, "first", kLarge);
  ASSERT_EQ(first.status, Status::kOk);
  std::uint32_t units = 0;
  for (const auto& extent : first.replicas.at(0).extents) units += extent.units;
  fresh.seal(first);
  ASSERT_EQ(fresh.finish(writer, first), Status::kOk);
  slow.populate(2 * units);  // as much as a second one has, and yet it does not fit
  fresh.deliver();
  const auto request = fresh.start(writer, {"second"}, kLarge, 1, 60'000);
  fresh.deliver();
  EXPECT_TRUE(fresh.handles(writer, request).empty());
  EXPECT_EQ(fresh.meta.status().evictions, 0u);
  slow.populate(300'000);
  fresh.deliver();
  ASSERT_EQ(fresh.handles(writer, request).size(), 1u);
  EXPECT_EQ(fresh.handles(writer, request)[0].status, Status::kOk);
  EXPECT_EQ(fresh.meta.status().evictions, 0u);
  EXPECT_EQ(fresh.look(writer, "first").status, Status::kOk);
}

TEST_F(StateMachinePressureTest, TheLeastRecentlyUsedGoesFirst) {
  for (const char* key : {"a", "b", "c", "d"}) {
    ASSERT_EQ(sim.put(client, key, 2 * kBlock), Status::kOk);
  }
  sim.look(client, "a");
  sim.look(client, "b", false);  // asked for, not used
  sim.ask(client, Method::kReport, protocol::Report{{sim.look(client, "c", false).put}, {}, {}, 0});
  ASSERT_EQ(sim.put(client, "e", 2 * kBlock), Status::kOk);
  ASSERT_EQ(sim.put(client, "f", 2 * kBlock), Status::kOk);
  EXPECT_EQ(sim.look(client, "b").status, Status::kNotFound);
  EXPECT_EQ(sim.look(client, "a", false).status, Status::kOk);
  EXPECT_GT(sim.meta.status().evictions, 0u);
  ASSERT_EQ(sim.put(client, "g", 2 * kBlock), Status::kOk);
  EXPECT_EQ(sim.look(client, "d").status, Status::kNotFound);
  EXPECT_EQ(sim.look(client, "g").status, Status::kOk);
}

TEST_F(StateMachinePressureTest, APutWaitsForEvictionAndIsAnsweredInTime) {
  commit_all(client, start_batch(client, "old", 9));
  sim.deliver();
  const auto request = start_batch(other, "new", 5);
  EXPECT_TRUE(sim.handles(other, request).empty()) << "the node has not confirmed yet";
  sim.deliver();
  EXPECT_EQ(sim.handles(other, request).size(), 5u);
  commit_all(other, request);
}

TEST_F(StateMachinePressureTest, APutThatFindsNoRoomInItsTimeIsBusy) {
  const auto held = start_batch(client, "held", 10, 60'000);
  ASSERT_EQ(sim.handles(client, held).size(), 10u);
  const auto request = start_batch(other, "new", 1, 100);
  sim.pass(Time(99));
  EXPECT_TRUE(sim.handles(other, request).empty());
  sim.pass(Time(1));
  ASSERT_EQ(sim.handles(other, request).size(), 1u);
  EXPECT_EQ(sim.handles(other, request)[0].status, Status::kBusy);
}

TEST_F(StateMachinePressureTest, ABatchLargerThanThePoolGetsWhatThereIsAndIsBusyForTheRest) {
  const auto request = start_batch(client, "key", 15);
  sim.deliver();
  const auto items = sim.handles(client, request);
  ASSERT_EQ(items.size(), 15u);
  for (std::size_t i = 0; i < items.size(); ++i) {
    EXPECT_EQ(items[i].status, i < 10 ? Status::kOk : Status::kBusy) << i;
  }
}

TEST_F(StateMachinePressureTest, TwoHugeBatchesDoNotStarveEachOther) {
  SimulatedClient& third = sim.add_client();
  const auto held = start_batch(third, "held", 5);
  const auto one = start_batch(client, "one", 8);
  const auto two = start_batch(other, "two", 8);
  sim.deliver();
  EXPECT_TRUE(sim.handles(client, one).empty());
  EXPECT_TRUE(sim.handles(other, two).empty());
  commit_all(third, held);
  sim.deliver();
  ASSERT_EQ(sim.handles(client, one).size(), 8u);
  EXPECT_TRUE(sim.handles(other, two).empty());
  commit_all(client, one);
  sim.deliver();
  ASSERT_EQ(sim.handles(other, two).size(), 8u);
  commit_all(other, two);
}

// One well-formed frame of each method, with contents that meta knows.
std::vector<Letter> samples(Simulation& sim, SimulatedClient& client, SimulatedNode& node) {
  sim.put(client, "key");
  const auto found = sim.look(client, "key");
  const auto& replica = found.replicas.at(0);
  const auto open = sim.start_one(client, "open");
  return {
      letter(Method::kClientHello, protocol::ClientHello{client.id, 1}, 1),
      letter(Method::kListNodes, protocol::Empty{}, 1),
      letter(Method::kPutStart,
             protocol::PutStart{1, "default", 10, 1, "node-1", {{"x", 10}, {"y", 99}}}, 1),
      letter(Method::kPutFinish, protocol::PutFinish{{{open.put, true, {5}}}}, 1),
      letter(Method::kLookup, protocol::Lookup{"default", true, {"key", "z"}}, 1),
      letter(Method::kMatchPrefix, protocol::MatchPrefix{"default", {"key", "z"}}, 1),
      letter(Method::kRemove, protocol::Remove{"default", 10, {"key"}}, 1),
      letter(Method::kReport,
             protocol::Report{{found.put},
                              {{node.id(), 1, 1}},
                              {{replica.segment, replica.slot, replica.generation}},
                              1},
             1),
      letter(Method::kPoolStatus, protocol::Empty{}, 1),
      letter(Method::kNodeHello, node.hello(), 1),
      letter(Method::kNodeBeat, protocol::NodeBeat{1, 2}),
      letter(Method::kVerified,
             protocol::Verified{replica.segment, replica.slot, replica.generation, true}),
      letter(static_cast<Method>(15), protocol::Empty{}, 1),
      letter(static_cast<Method>(999), protocol::Empty{}, 1),
  };
}

TEST_F(StateMachinePressureTest, EveryMethodAnswersATruncatedRequestWithAnError) {
  for (const Letter& sample : samples(sim, client, node)) {
    const bool node_method = sample.header.method >= static_cast<std::uint16_t>(Method::kNodeHello);
    const SessionId session = node_method ? sim.session_of[&node] : client.session;
    if (sample.method() == Method::kListNodes || sample.method() == Method::kPoolStatus) {
      continue;  // their requests say nothing
    }
    for (std::size_t bytes = 0; bytes < sample.payload.size(); ++bytes) {
      sim.outbox.take(session);
      sim.handle(session, {sample.header, sample.payload.substr(0, bytes)});
      const auto answers = sim.outbox.take(session);
      ASSERT_EQ(answers.size(), 1u) << sample.header.method << " cut to " << bytes;
      EXPECT_NE(answers[0].status(), Status::kOk) << sample.header.method;
      EXPECT_EQ(answers[0].header.id, sample.header.id);
    }
  }
  EXPECT_EQ(sim.look(client, "key").status, Status::kOk);
}

TEST_F(StateMachinePressureTest, WhoeverHasNotSaidHelloIsRefused) {
  for (const Letter& sample : samples(sim, client, node)) {
    if (sample.method() == Method::kClientHello || sample.method() == Method::kNodeHello) {
      continue;
    }
    const SessionId stranger = ++sim.last_session;
    sim.handle(stranger, sample);
    const auto answers = sim.outbox.take(stranger);
    ASSERT_EQ(answers.size(), 1u);
    EXPECT_EQ(answers[0].status(), Status::kInvalidArgument);
  }
}

TEST_F(StateMachinePressureTest, RandomPayloadsOfAClientNeverEndTheServer) {
  constexpr std::uint64_t kSeed = 77;
  SCOPED_TRACE(testing::Message() << "seed " << kSeed);
  base::Random random(kSeed);
  const auto good = samples(sim, client, node);
  for (int round = 0; round < 10'000; ++round) {
    Letter letter = good[random.below(good.size())];
    if (letter.method() >= Method::kNodeHello && letter.method() <= Method::kVerified) {
      letter.header.method = static_cast<std::uint16_t>(1 + random.below(10));
    }
    if (random.below(3) == 0) {
      letter.payload.assign(random.below(200), '\0');
      for (char& byte : letter.payload) {
        byte = static_cast<char>(random.next());
      }
    }
    for (std::uint64_t i = random.below(4); i > 0 && !letter.payload.empty(); --i) {
      letter.payload[random.below(letter.payload.size())] = static_cast<char>(random.next() % 5);
    }
    const SessionId session = random.below(4) == 0 ? ++sim.last_session : client.session;
    ASSERT_NO_THROW(sim.handle(session, letter));
    sim.outbox.take(session);
    if (round % 50 == 0) {
      ASSERT_NO_THROW(sim.pass(Time(10)));
      client.replies.clear();
    }
    if (session != client.session) {
      sim.meta.disconnected(session, sim.now);
    }
  }
  SimulatedClient& fresh = sim.add_client();
  sim.pass(Time(700'000));
  EXPECT_EQ(sim.put(fresh, "alive"), Status::kOk);
}

TEST_F(StateMachinePressureTest, ANameThatWouldNotFitIntoAListOfNodesIsRefused) {
  SimulatedNode huge(50, std::string(rpc::kFrameBytesMax - 200, 'n'), 1024);
  const SessionId session = ++sim.last_session;
  ASSERT_NO_THROW(sim.handle(session, letter(Method::kNodeHello, huge.hello(), 1)));
  EXPECT_EQ(sim.outbox.take(session).at(0).status(), Status::kInvalidArgument);
  ASSERT_NO_THROW(sim.ask(client, Method::kListNodes, protocol::Empty{}));
}

}  // namespace
}  // namespace aquifer::meta
