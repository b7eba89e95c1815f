// A long seeded walk: clients and nodes that come, go, answer late and say things twice, against an
// independent model of who owns which unit.
#include <gtest/gtest.h>

#include <algorithm>

#include "base/random.h"
#include "meta/state_machine.h"
#include "meta/state_machine_fixture.h"

namespace aquifer::meta {
namespace {

using protocol::Method;

/// One replica that was handed out.
struct Owned {
  protocol::Replica replica;
  base::PutId put{};
  base::ClientId client{};
};

class Walk {
 public:
  explicit Walk(std::uint64_t seed, bool reuse_limbo = false)
      : random_(seed), sim_(options(reuse_limbo)) {
    for (int i = 0; i < 3; ++i) {
      sim_.add_node(600);
      sim_.add_client();
    }
    writers_.resize(sim_.clients.size());
  }

  void step() {
    sim_.now += Time(random_.below(20));
    sim_.beat();
    act();
    for (auto& node : sim_.nodes) {
      for (std::uint64_t i = random_.below(3); i > 0; --i) {
        sim_.step(*node);  // some nodes hear late
      }
      if (random_.below(8) == 0 && sim_.is_connected(*node)) {
        node->poll();
      }
    }
    if (random_.below(4) == 0) {
      sim_.meta.tick(sim_.now);
    }
    for (std::size_t i = 0; i < sim_.clients.size(); ++i) {
      hear(i);
    }
    check();
  }

  // All clients are gone, all nodes are heard: everything is free again.
  void end() {
    for (std::size_t i = 0; i < sim_.clients.size(); ++i) {
      kill(i);
    }
    for (auto& node : sim_.nodes) {
      if (!sim_.is_connected(*node)) {
        sim_.connect(*node);
      }
    }
    sim_.deliver();
    sim_.pass(Time(1000));
    for (auto& node : sim_.nodes) {
      node->poll();
    }
    sim_.deliver();
    SimulatedClient& last = sim_.add_client();
    std::vector<std::string_view> keys(keys_.begin(), keys_.end());
    sim_.remove(last, keys);
    sim_.deliver();
    const auto status = sim_.meta.status();
    EXPECT_EQ(status.objects, 0u);
    ASSERT_EQ(status.nodes.size(), sim_.nodes.size());
    for (const auto& node : status.nodes) {
      EXPECT_EQ(node.limbo_bytes, 0u) << node.name;
      EXPECT_EQ(node.used_bytes, 0u) << node.name;
      EXPECT_EQ(node.pinned_bytes, 0u) << node.name;
    }
    for (std::size_t i = 0; i < sim_.nodes.size(); ++i) {
      // One object takes a whole segment: nothing was lost, and all runs have merged.
      const std::uint64_t bytes = sim_.nodes[i]->units() * pool::kUnitBytes - 192;
      const auto whole = sim_.start_one(last, "whole-" + std::to_string(i), bytes);
      ASSERT_EQ(whole.status, Status::kOk);
      ASSERT_EQ(whole.replicas.at(0).extents.size(), 1u);
      EXPECT_EQ(units_of(whole), sim_.nodes[i]->units());
    }
  }

  int commits() const { return commits_; }
  /// Units that were handed out while somebody could still write or read them.
  int two_owners() const { return two_owners_; }

 private:
  static StateOptions options(bool reuse_limbo) {
    StateOptions options{base::PoolId{1}, 1, 7, 99};
    options.fault_reuse_limbo = reuse_limbo;
    return options;
  }
  struct Writer {
    std::set<std::uint64_t> starts;  ///< requests that are not answered
    std::vector<protocol::Handle> open;
    std::map<base::PutId, Status> finished;
    std::map<base::PutId, protocol::Handle> handles;
  };

  void act() {
    const std::size_t i = random_.below(sim_.clients.size());
    SimulatedClient& client = *sim_.clients[i];
    const std::uint64_t choice = random_.below(100);
    if (choice < 3) {
      return toggle(*sim_.nodes[random_.below(sim_.nodes.size())]);
    }
    if (client.session == 0) {
      if (random_.below(10) == 0) {
        sim_.connect(client);
      }
      return;
    }
    if (choice < 5) {
      return random_.below(2) == 0 ? kill(i) : drop_connection(i);
    }
    if (choice < 45) {
      start(i);
    } else if (choice < 80) {
      finish(i);
    } else if (choice < 84) {
      finish_again(i);
    } else if (choice < 86) {
      sim_.pin(client, keys_[random_.below(keys_.size())], random_.below(2) * random_.below(500));
    } else if (choice < 91) {
      const std::string& key = keys_[random_.below(keys_.size())];
      sim_.remove(client, {key}, static_cast<std::uint32_t>(random_.below(100)));
    } else {
      look(client);
    }
  }

  void toggle(SimulatedNode& node) {
    if (!sim_.is_connected(node)) {
      return sim_.connect(node);
    }
    const auto last = node.outgoing.empty() ? std::nullopt : std::optional(node.outgoing.back());
    sim_.disconnect(node);
    if (random_.below(2) == 0) {
      sim_.now += Time(random_.below(8000));  // some stay away for longer than the grace time
      sim_.meta.tick(sim_.now);
    }
    sim_.connect(node);
    if (last && last->method() == Method::kReclaimed) {
      node.outgoing.push_back(*last);  // and repeat themselves
    }
  }

  void drop_connection(std::size_t i) {
    sim_.disconnect(*sim_.clients[i]);
    writers_[i].starts.clear();
  }
  // The process ends, and with it its mappings and all that it was writing.
  void kill(std::size_t i) {
    if (sim_.clients[i]->session != 0) {
      drop_connection(i);
    }
    for (auto& node : sim_.nodes) {
      node->forget(sim_.clients[i]->id);
    }
    writers_[i] = {};
    const base::ClientId next{sim_.clients.size() + ++reborn_};
    sim_.clients[i]->id = next;
  }

  void start(std::size_t i) {
    if (writers_[i].open.size() > 6) {
      return;
    }
    SimulatedClient& client = *sim_.clients[i];
    std::vector<std::string> keys(1 + random_.below(3));
    for (std::string& key : keys) {
      key = keys_[random_.below(keys_.size())];
    }
    const auto replicas = static_cast<unsigned>(1 + random_.below(2));
    sim_.start(client, keys, 1 + random_.below(40'000), replicas,
               static_cast<std::uint32_t>(random_.below(300)), {},
               static_cast<PutMode>(random_.below(3)));
    writers_[i].starts.insert(client.last_request);
  }

  void hear(std::size_t i) {
    SimulatedClient& client = *sim_.clients[i];
    if (client.session == 0) {
      return;
    }
    sim_.collect(client);
    Writer& writer = writers_[i];
    std::erase_if(writer.starts, [&](std::uint64_t request) {
      if (!client.replies.contains(request)) {
        return false;
      }
      for (const protocol::Handle& handle : sim_.handles(client, request)) {
        if (handle.status == Status::kOk) {
          own(i, handle);
          writer.open.push_back(handle);
        }
      }
      return true;
    });
  }

  // A unit may be handed out only when nobody can write or read it any more.
  void own(std::size_t i, const protocol::Handle& handle) {
    ASSERT_FALSE(handle.replicas.empty());
    for (const protocol::Replica& replica : handle.replicas) {
      SimulatedNode& node = sim_.node_of(replica);
      const base::ClientId client = sim_.clients[i]->id;
      if (!node.is(replica, pool::SlotState::kGranted)) {
        continue;  // taken back before the writer looked: it will not write
      }
      if (random_.below(2) == 0) {
        node.enter(replica, client);  // in place; otherwise the node writes for it
      }
      for (const protocol::Run& run : replica.extents) {
        for (std::uint32_t unit = run.first_unit; unit < run.first_unit + run.units; ++unit) {
          auto& owner = owners_[{replica.segment, unit}];
          two_owners_ += owner && live(*owner) ? 1 : 0;
          owner = Owned{replica, handle.put, client};
        }
      }
    }
  }
  bool live(const Owned& owner) {
    SimulatedNode& node = sim_.node_of(owner.replica);
    if (node.segment() != owner.replica.segment) {
      return false;
    }
    return node.is(owner.replica, pool::SlotState::kGranted) ||
           node.is(owner.replica, pool::SlotState::kSealed) ||
           node.uses(owner.replica, owner.client);
  }

  void finish(std::size_t i) {
    Writer& writer = writers_[i];
    if (writer.open.empty()) {
      return;
    }
    std::swap(writer.open[random_.below(writer.open.size())], writer.open.back());
    const protocol::Handle handle = writer.open.back();
    writer.open.pop_back();
    bool sealed = random_.below(5) != 0;
    for (const protocol::Replica& replica : handle.replicas) {
      sealed = sealed && sim_.node_of(replica).seal(replica);
      sim_.node_of(replica).leave(replica, sim_.clients[i]->id);
    }
    const Status status = finish(i, handle, sealed);
    ASSERT_TRUE(status == Status::kOk || status == Status::kExists ||
                status == Status::kCancelled || status == Status::kUnknown);
    writer.finished[handle.put] = status;
    writer.handles[handle.put] = handle;
    commits_ += status == Status::kOk ? 1 : 0;
  }
  // The answer; where that waits for what has still to go, the one at the deadline.
  Status finish(std::size_t i, const protocol::Handle& handle, bool commit) {
    SimulatedClient& client = *sim_.clients[i];
    const std::uint64_t request = sim_.ask_to_finish(client, handle, commit);
    if (!client.replies.contains(request)) {
      sim_.now += Time(1);
      sim_.meta.tick(sim_.now);
      sim_.collect(client);
    }
    const Status status = sim_.statuses(client, request).at(0);
    return status == Status::kPending ? Status::kOk : status;
  }
  void finish_again(std::size_t i) {
    for (const auto& [put, status] : writers_[i].finished) {
      ASSERT_EQ(finish(i, writers_[i].handles.at(put), random_.below(2) == 0), status);
      if (random_.below(3) == 0) {
        return;
      }
    }
  }

  void look(SimulatedClient& client) {
    const auto handle = sim_.look(client, keys_[random_.below(keys_.size())]);
    if (handle.status != Status::kOk) {
      return;
    }
    for (const protocol::Replica& replica : handle.replicas) {
      SimulatedNode& node = sim_.node_of(replica);
      ASSERT_TRUE(node.is(replica, pool::SlotState::kSealed) ||
                  node.segment() != replica.segment);  // replaced, and meta not yet told
    }
  }

  void check() {
    const auto status = sim_.meta.status();
    for (const auto& node : status.nodes) {
      ASSERT_EQ(node.free_bytes + node.used_bytes + node.limbo_bytes, node.capacity_bytes)
          << node.name;
    }
    if (random_.below(16) != 0 || two_owners_ != 0) {
      return;
    }
    std::map<base::SegmentId, std::uint64_t> live_units;
    for (const auto& [place, owner] : owners_) {
      live_units[place.first] += owner && live(*owner) ? 1 : 0;
    }
    for (const auto& node : sim_.nodes) {
      for (const auto& entry : status.nodes) {
        if (entry.name == node->name() && node->joined()) {
          ASSERT_GE((entry.used_bytes + entry.limbo_bytes) / pool::kUnitBytes,
                    live_units[node->segment()]);
        }
      }
    }
  }

  base::Random random_;
  Simulation sim_;
  std::vector<Writer> writers_;
  std::map<std::pair<base::SegmentId, std::uint32_t>, std::optional<Owned>> owners_;
  std::vector<std::string> keys_ = [] {
    std::vector<std::string> keys;
    for (int i = 0; i < 40; ++i) {
      keys.push_back("key-" + std::to_string(i));
    }
    return keys;
  }();
  std::uint64_t reborn_ = 100;
  int commits_ = 0;
  int two_owners_ = 0;
};

TEST(StateMachineWalk, NoUnitHasTwoOwnersAndNothingIsLost) {
  for (std::uint64_t seed = 1; seed <= 10; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    Walk walk(seed);
    for (int step = 0; step < 3000; ++step) {
      walk.step();
      ASSERT_FALSE(testing::Test::HasFatalFailure()) << "step " << step;
      ASSERT_EQ(walk.two_owners(), 0) << "step " << step;
    }
    EXPECT_GT(walk.commits(), 100);  // the walk got somewhere
    walk.end();
    ASSERT_FALSE(testing::Test::HasFailure());
  }
}

TEST(StateMachineWalk, TheModelSeesLimboThatIsHandedOut) {
  int two_owners = 0;
  for (std::uint64_t seed = 1; seed <= 10 && two_owners == 0; ++seed) {
    Walk walk(seed, true);
    for (int step = 0; step < 3000; ++step) {
      walk.step();
    }
    two_owners = walk.two_owners();
  }
  EXPECT_GT(two_owners, 0);
}

}  // namespace
}  // namespace aquifer::meta
