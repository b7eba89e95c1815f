// Groups: all become visible in one step, or none does; live, and as nodes report them to the next
// meta.
#include <gtest/gtest.h>

#include "meta/state_machine.h"
#include "meta/state_machine_fixture.h"
#include "protocol/epoch.h"

namespace aquifer::meta {
namespace {

using pool::SlotState;
using protocol::Method;

class GroupTest : public ::testing::Test {
 protected:
  std::vector<protocol::Handle> start(std::vector<std::string> keys, std::uint64_t bytes = 1000,
                                      unsigned replicas = 1) {
    protocol::PutStart message;
    message.name_space = "default";
    message.timeout_ms = 1000;
    message.replicas = replicas;
    message.group = true;
    for (const std::string& key : keys) {
      message.items.push_back({key, bytes});
    }
    const auto request = sim.ask(client, Method::kPutStart, message);
    sim.deliver();
    return sim.handles(client, request);
  }
  void prepare(const std::vector<protocol::Handle>& handles) {
    for (const protocol::Handle& handle : handles) {
      for (const protocol::Replica& replica : handle.replicas) {
        ASSERT_TRUE(sim.node_of(replica).seal(replica, SlotState::kPrepared));
      }
    }
  }
  std::uint64_t ask_to_finish(const std::vector<protocol::Handle>& handles) {
    protocol::PutFinish finish;
    finish.group = true;
    finish.timeout_ms = 500;
    for (const protocol::Handle& handle : handles) {
      finish.items.push_back(
          {handle.put, true, std::vector<std::uint64_t>(handle.replicas.size(), 5)});
    }
    return sim.ask(client, Method::kPutFinish, finish);
  }
  std::size_t visible(const std::vector<std::string>& keys) {
    std::size_t count = 0;
    for (const std::string& key : keys) {
      count += sim.look(other, key).status == Status::kOk ? 1 : 0;
    }
    return count;
  }
  static void expect_all(const std::vector<Status>& statuses, Status wanted, std::size_t count) {
    EXPECT_EQ(statuses, std::vector(count, wanted));
  }

  Simulation sim;
  SimulatedNode& first = sim.add_node();
  SimulatedNode& second = sim.add_node();
  SimulatedClient& client = sim.add_client();
  SimulatedClient& other = sim.add_client();
  const std::vector<std::string> keys_{"a", "b", "c", "d", "e", "f"};
};

TEST_F(GroupTest, IsVisibleInOneStepWhenEveryNodeHasSealed) {
  const auto handles = start(keys_);
  ASSERT_EQ(handles.size(), keys_.size());
  prepare(handles);
  const auto request = ask_to_finish(handles);
  for (bool moved = true; moved;) {
    moved = sim.step(first) || sim.step(second);
    sim.collect(client);
    EXPECT_EQ(visible(keys_), client.replies.contains(request) ? keys_.size() : 0);
  }
  expect_all(sim.statuses(client, request), Status::kOk, keys_.size());
  for (const auto& handle : handles) {
    EXPECT_TRUE(sim.node_of(handle.replicas[0]).is(handle.replicas[0], SlotState::kSealed));
  }
  const auto again = ask_to_finish(handles);
  expect_all(sim.statuses(client, again), Status::kOk, keys_.size());
}

TEST_F(GroupTest, StartsWholeOrNotAtAll) {
  ASSERT_EQ(sim.put(client, "a"), Status::kOk);
  const auto handles = start({"a", "b", "c"});
  ASSERT_EQ(handles.size(), 3u);
  EXPECT_EQ(handles[0].status, Status::kExists);
  EXPECT_EQ(handles[1].status, Status::kOk);
  EXPECT_EQ(handles[2].put.sequence, handles[1].put.sequence + 1);
  const auto refused = start({"d", ""});
  ASSERT_EQ(refused.size(), 2u);
  EXPECT_EQ(refused[0].status, Status::kCancelled);
  EXPECT_EQ(refused[1].status, Status::kInvalidArgument);
  for (const std::size_t given : {1u, 2u}) {
    EXPECT_EQ(sim.finish(client, handles[given], false), Status::kCancelled);
  }
  const auto too_much = start({"e", "f", "g", "h", "i"}, 900'000);
  ASSERT_EQ(too_much.size(), 5u);
  for (const auto& one : too_much) {
    EXPECT_EQ(one.status, Status::kNoSpace) << "it never fits, and nothing is evicted for it";
  }
  sim.deliver();
  EXPECT_EQ(sim.meta.status().evictions, 0u);
  EXPECT_EQ(sim.used_units(0) + sim.used_units(1), units_of(sim.look(client, "a")));
}

TEST_F(GroupTest, ACommitWithoutOneOfItIsNone) {
  const auto handles = start(keys_);
  prepare(handles);
  sim.remove(other, {"c"});
  const auto request = ask_to_finish(handles);
  sim.deliver();
  expect_all(sim.statuses(client, request), Status::kCancelled, keys_.size());
  EXPECT_EQ(visible(keys_), 0u);
  EXPECT_EQ(sim.used_units(0) + sim.used_units(1), 0u);
}

// What no client of ours sends.
TEST_F(GroupTest, OddCommitsHarmNobody) {
  auto handles = start({"a", "b"});
  prepare(handles);
  ask_to_finish({handles[0], handles[0]});
  sim.deliver();
  EXPECT_EQ(visible({"a", "b"}), 0u);

  handles = start({"c", "d"});
  prepare(handles);
  ask_to_finish(handles);
  protocol::PutFinish abandons;
  for (std::uint64_t ticket = 0; ticket < 4; ++ticket) {
    abandons.abandoned.push_back(ticket);
  }
  sim.ask(client, Method::kPutFinish, abandons);
  sim.deliver();
  EXPECT_EQ(visible({"c", "d"}), 2u) << "decided before";
}

TEST_F(GroupTest, WhatIsDecidedStays) {
  const auto handles = start(keys_);
  prepare(handles);
  const auto request = ask_to_finish(handles);
  // Its deadline, its client and its expiry all come before the nodes have answered.
  first.hangs = second.hangs = true;
  sim.now += Time(600);
  sim.meta.tick(sim.now);
  sim.collect(client);
  expect_all(sim.statuses(client, request), Status::kUnknown, keys_.size());
  protocol::PutFinish give_up;
  for (const auto& handle : handles) {
    give_up.items.push_back({handle.put, false, {5}});
  }
  sim.ask(client, Method::kPutFinish, give_up);
  const auto removed = sim.remove(other, {"c"});
  sim.disconnect(client);
  sim.now += Time(3000);
  sim.meta.tick(sim.now);
  EXPECT_EQ(visible(keys_), 0u);
  first.hangs = second.hangs = false;
  sim.deliver();
  EXPECT_EQ(visible(keys_), keys_.size() - 1) << "all but the one that was removed meanwhile";
  EXPECT_EQ(sim.look(other, "c").status, Status::kNotFound);
  EXPECT_EQ(sim.statuses(other, removed).size(), 1u);
}

TEST_F(GroupTest, ANodeThatComesBackIsToldAgain) {
  const auto handles = start(keys_);
  prepare(handles);
  sim.disconnect(second);
  const auto request = ask_to_finish(handles);
  sim.deliver();
  EXPECT_EQ(visible(keys_), 0u);
  sim.connect(second);
  sim.deliver();
  expect_all(sim.statuses(client, request), Status::kOk, keys_.size());
  EXPECT_EQ(visible(keys_), keys_.size());
}

TEST_F(GroupTest, WithANodeThatIsGoneForGoodNoneIsVisible) {
  const auto handles = start(keys_);
  prepare(handles);
  sim.disconnect(second);
  ask_to_finish(handles);
  sim.pass(Time(6000));
  EXPECT_EQ(visible(keys_), 0u);
  const auto status = sim.meta.status();
  ASSERT_EQ(status.nodes.size(), 1u);
  EXPECT_EQ(status.nodes[0].free_bytes, status.nodes[0].capacity_bytes);
}

// A meta that has to learn what two nodes hold of a group of three, in slots 0 to 2.
class ReportedGroupTest : public ::testing::Test {
 protected:
  static constexpr std::uint32_t kUnits = 64;

  static StateOptions options() {
    StateOptions options;
    options.pool = {1};
    options.process = 7;
    options.secret = 99;
    return options;
  }
  // Says hello as a member of an earlier pool of both.
  SessionId hello(std::uint64_t node, std::vector<base::SegmentId> gone = {}) {
    const SessionId session = ++last_session_;
    const std::string name = "node-" + std::to_string(node);
    protocol::NodeHello message;
    message.node = {node};
    message.name = name;
    message.address = "tcp://127.0.0.1:7000";
    message.segment = {node * 1000};
    message.data_bytes = kUnits * pool::kUnitBytes;
    message.slots = 256;  // more than were granted: nothing is evicted for the sake of slots
    message.epoch = protocol::make_epoch(3, 5);
    message.pool = {1};
    message.granted_units = kUnits;
    message.granted_slots = 16;
    message.lasts = true;
    message.lasting = {{1}, {2}};
    message.gone = std::move(gone);
    handle(session, letter(Method::kNodeHello, message, 1));
    return session;
  }
  // The object of this place in the group, in the slot of the same number.
  static protocol::RecoveredObject object(std::uint16_t place, bool prepared) {
    protocol::RecoveredObject object;
    object.hash_low = object.hash_high = 100u + place;
    object.put = {protocol::make_epoch(3, 5), 20u + place};
    object.value_bytes = 100;
    object.slot = place;
    object.generation = 4;
    object.extents.push_back({place, 1});
    object.group = {place, 3};
    object.prepared = prepared;
    return object;
  }
  void report(SessionId session, std::uint64_t node,
              std::vector<protocol::RecoveredObject> objects) {
    protocol::Recovered report;
    report.segment = {node * 1000};
    report.objects = std::move(objects);
    report.free_runs.push_back({3, kUnits - 3});
    for (std::uint16_t place = 0; place < 3; ++place) {
      if (std::none_of(report.objects.begin(), report.objects.end(),
                       [&](const auto& one) { return one.slot == place; })) {
        report.free_slots.push_back({place, 5});
        report.free_runs.push_back({place, 1});
      }
    }
    report.end = true;
    handle(session, letter(Method::kRecovered, report));
  }
  void handle(SessionId session, const Letter& message) {
    meta_.handle(session, {message.header, message.payload}, now_);
  }
  // What the node is told, with an answer to each order to seal.
  std::size_t answer(SessionId session, std::uint64_t node) {
    std::size_t sealed = 0;
    for (const Letter& message : outbox_.take(session)) {
      protocol::Published published{{node * 1000}, {}};
      if (message.method() == Method::kPublish) {
        for (const auto& item : message.as<protocol::Publish>().items) {
          published.items.push_back({item.slot, item.generation, true});
        }
        sealed += published.items.size();
        handle(session, letter(Method::kPublished, published));
      } else if (message.method() == Method::kReclaim) {
        protocol::Reclaimed reclaimed{{node * 1000}, {}};
        for (const auto& item : message.as<protocol::Reclaim>().items) {
          reclaimed.items.push_back({item.slot, item.generation, item.generation + 1});
        }
        handle(session, letter(Method::kReclaimed, reclaimed));
      }
    }
    return sealed;
  }
  std::uint64_t objects() { return meta_.status().objects; }
  void expect_nothing_used() {
    for (const auto& node : meta_.status().nodes) {
      EXPECT_EQ(node.free_bytes, node.capacity_bytes) << node.name;
    }
  }

  Time now_{1000};
  RecordingOutbox outbox_;
  StateMachine meta_{options(), outbox_};
  SessionId last_session_ = 0;
};

TEST_F(ReportedGroupTest, OneThatIsSealedSaysThatAllAre) {
  const SessionId a = hello(1);
  report(a, 1, {object(0, true), object(1, true)});
  EXPECT_EQ(answer(a, 1), 0u) << "held back: nothing says yet that it was published";
  EXPECT_EQ(objects(), 0u);
  const SessionId b = hello(2);
  report(b, 2, {object(2, false)});
  EXPECT_EQ(objects(), 1u);
  EXPECT_EQ(answer(a, 1), 2u);
  EXPECT_EQ(objects(), 3u);
}

TEST_F(ReportedGroupTest, OneThatIsReportedAfterASealedOneIsSealed) {
  const SessionId b = hello(2);
  report(b, 2, {object(2, false)});
  const SessionId a = hello(1);
  report(a, 1, {object(0, true)});
  EXPECT_EQ(answer(a, 1), 1u);
  EXPECT_EQ(objects(), 2u) << "the third was removed, or evicted, after it was published";
}

TEST_F(ReportedGroupTest, AllThatArePreparedArePublished) {
  const SessionId a = hello(1);
  report(a, 1, {object(0, true), object(1, true)});
  const SessionId b = hello(2);
  report(b, 2, {object(2, true)});
  EXPECT_EQ(objects(), 0u);
  EXPECT_EQ(answer(a, 1) + answer(b, 2), 3u);
  EXPECT_EQ(objects(), 3u);
}

TEST_F(ReportedGroupTest, APartOfItIsTakenBackWhenAllHaveReported) {
  const SessionId a = hello(1);
  report(a, 1, {object(0, true), object(1, true)});
  now_ += Time(100);
  meta_.tick(now_);
  EXPECT_EQ(answer(a, 1), 0u);
  EXPECT_NE(meta_.status().nodes[0].used_bytes, 0u) << "the other may hold the rest";
  const SessionId b = hello(2);
  report(b, 2, {});
  now_ += Time(100);
  meta_.tick(now_);
  EXPECT_EQ(answer(a, 1) + answer(b, 2), 0u);
  EXPECT_EQ(objects(), 0u);
  expect_nothing_used();
}

TEST_F(ReportedGroupTest, AReportThatBreaksOffCountsForNothing) {
  const SessionId a = hello(1);
  report(a, 1, {object(0, true), object(1, true)});
  meta_.disconnected(a, now_);
  now_ += Time(3'700'000);
  meta_.tick(now_);
  const SessionId b = hello(2);
  report(b, 2, {object(2, true)});
  now_ += Time(100);
  meta_.tick(now_);
  EXPECT_EQ(answer(b, 2), 0u);
  EXPECT_EQ(objects(), 0u);
}

TEST_F(ReportedGroupTest, ALateHelloOfTheSameNodeEndsTheConnectionThatReports) {
  const SessionId a = hello(1);
  const SessionId late = hello(1);
  EXPECT_TRUE(outbox_.is_closed(a)) << "so the node hears of it, and connects again";
  meta_.disconnected(late, now_);
  const SessionId again = hello(1);
  report(again, 1, {object(0, false)});
  EXPECT_EQ(objects(), 1u);
}

TEST_F(ReportedGroupTest, AHelloInTheMiddleOfAReportBeginsAnew) {
  const SessionId a = hello(1);
  protocol::NodeHello again;
  again.node = {1};
  again.name = "node-1";
  again.segment = {1000};
  again.data_bytes = kUnits * pool::kUnitBytes;
  again.slots = 256;
  again.epoch = protocol::make_epoch(3, 5);
  again.granted_units = kUnits;
  again.granted_slots = 16;
  handle(a, letter(Method::kNodeHello, again, 2));
  EXPECT_TRUE(outbox_.is_closed(a)) << "parts of the report before may follow";
  EXPECT_EQ(meta_.status().nodes.size(), 0u);
}

TEST_F(ReportedGroupTest, OthersAreWaitedForBeforeOneIsVisible) {
  const SessionId client = ++last_session_;
  handle(client, letter(Method::kClientHello, protocol::ClientHello{{77}, 1}, 1));
  const auto look = [&] {
    outbox_.take(client);
    handle(client, letter(Method::kLookup, protocol::Lookup{"default", true, {"key"}}, 2));
    return outbox_.take(client).at(0).as<protocol::Handles>().items.at(0).status;
  };
  const base::Hash128 hash = base::KeyHasher(99)("default", "key");
  auto found = object(0, false);
  found.hash_low = hash.low;
  found.hash_high = hash.high;
  const SessionId a = hello(1);
  report(a, 1, {found});
  EXPECT_EQ(objects(), 1u);
  EXPECT_EQ(look(), Status::kRecovering) << "the node with the others may be about to come";
  const SessionId b = hello(2);
  report(b, 2, {object(1, false), object(2, false)});
  EXPECT_EQ(look(), Status::kOk);
}

// What an earlier meta has given up may hold what was removed since, whoever comes first.
TEST_F(ReportedGroupTest, ASegmentThatWasGivenUpStartsAfresh) {
  const SessionId a = hello(1);
  report(a, 1, {object(0, false)});
  ASSERT_EQ(objects(), 1u);
  const SessionId b = hello(2, {{1000}});
  EXPECT_TRUE(outbox_.is_closed(a));
  EXPECT_EQ(objects(), 0u);
  EXPECT_FALSE(outbox_.is_closed(b));
  const SessionId again = hello(1);
  const auto welcome = outbox_.take(again).at(0).as<protocol::NodeWelcome>();
  EXPECT_EQ(welcome.what, protocol::NodeWelcome::What::kFresh);
}

TEST_F(ReportedGroupTest, NoNodeTellsOfMoreThanItRemembers) {
  const SessionId a = hello(1);
  report(a, 1, {object(0, false)});
  std::vector<base::SegmentId> gone;
  for (std::uint64_t segment = 1; segment <= pool::kGoneMax; ++segment) {
    gone.push_back({segment});
  }
  gone.push_back({1000});
  hello(2, gone);
  EXPECT_FALSE(outbox_.is_closed(a));
  EXPECT_EQ(objects(), 1u);
}

TEST_F(ReportedGroupTest, ADamagedPlaceInTheGroupIsRefused) {
  const SessionId a = hello(1);
  auto wrong = object(0, true);
  wrong.group = {3, 3};
  auto early = object(1, true);
  early.put.sequence = 1;
  report(a, 1, {wrong, early});
  answer(a, 1);
  EXPECT_EQ(objects(), 0u);
  expect_nothing_used();
}

}  // namespace
}  // namespace aquifer::meta
