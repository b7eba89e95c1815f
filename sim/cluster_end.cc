// The end of a run: nothing goes wrong any more, everybody is back, and what was promised is
// counted.
#include <algorithm>
#include <set>

#include "sim/cluster.h"
#include "sim/get_call.h"
#include "sim/small_calls.h"

namespace aquifer::sim {
namespace {

constexpr Micros kStep = ms(50);
constexpr Micros kCallsEnd = ms(7000);  // a thread may stand still when its deadline comes
constexpr Micros kRecovered = ms(15'000);
constexpr Micros kEmpty = ms(30'000);  // an order to copy that was lost holds its place for long

}  // namespace

void Cluster::wait_until(const char* what, Micros at_most, const std::function<bool()>& is_so) {
  const Micros end = world_.now() + at_most;
  while (!is_so()) {
    if (world_.now() >= end) {
      for (const auto& node : meta_.status().nodes) {
        world_.say("meta", "knows ", node.name, ", which is ", node.state);
      }
      world_.violated("after ", at_most / 1000, " ms without trouble not yet: ", what);
    }
    world_.run_until(world_.now() + kStep);
  }
}

void Cluster::heal() {
  world_.say("world", "nothing goes wrong from here on");
  is_troubled_ = false;
  meta_.go_on();
  for (auto& client : clients_) {
    client->go_on();
    client->is_calm = true;
  }
  for (auto& node : nodes_) {
    node->go_on();
  }
  if (!meta_.runs()) {
    meta_.start();
  }
  for (auto& node : nodes_) {
    if (!node->runs()) {
      node->start();
    }
  }
  wait_until("every call has ended", kCallsEnd, [this] {
    return std::all_of(clients_.begin(), clients_.end(),
                       [](const auto& client) { return client->is_idle(); });
  });
  wait_until("every node is a member", kRecovered, [this] { return is_quiet(); });
}

bool Cluster::is_quiet() {
  if (!std::all_of(nodes_.begin(), nodes_.end(),
                   [](const auto& node) { return node->runs() && node->is_joined(); })) {
    return false;
  }
  const auto status = meta_.status();
  // A node that has lost its memory has come back as another one; the old one is still remembered.
  const auto alive = std::count_if(status.nodes.begin(), status.nodes.end(),
                                   [](const auto& node) { return node.state == "alive"; });
  return static_cast<std::size_t>(alive) == nodes_.size();
}

Status Cluster::get(std::uint32_t key) {
  std::optional<Status> status;
  auto call = std::make_shared<GetCall>(*clients_[0], key, ms(1000));
  call->on_status = [&](Status ended) { status = ended; };
  clients_[0]->begin_call(std::move(call), [] {});
  wait_until("a get has ended", ms(2000), [&] { return status.has_value(); });
  return *status;
}

Status Cluster::remove(std::uint32_t key) {
  std::optional<Status> status;
  auto call = std::make_shared<RemoveCall>(*clients_[0], key, ms(1000));
  call->on_status = [&](Status ended) { status = ended; };
  clients_[0]->begin_call(std::move(call), [] {});
  wait_until("a remove has ended", ms(2000), [&] { return status.has_value(); });
  return *status;
}

void Cluster::check_all_there() {
  for (auto& client : clients_) {
    if (client->runs()) {
      client->crash();
    }
  }
  clients_[0]->start();
  if (plan_.forget_after_ms > 60'000 && !oracle_.has_lost_any()) {
    oracle_.settled(meta_.life());
  }
  std::set<std::uint32_t> there;
  for (std::uint32_t key = 0; key < keys_; ++key) {
    std::string why;
    Status status = get(key);
    // A connection that was cut may be noticed only now.
    const auto not_yet = [&] {
      return status == Status::kRecovering || status == Status::kUnreachable;
    };
    for (int again = 0; again < 30 && not_yet(); ++again) {
      world_.run_until(world_.now() + ms(200));
      status = get(key);
    }
    if (status != Status::kOk && oracle_.must_be_there(key, why)) {
      world_.violated("a get of ", key_name(key), " ends as ", name_of(status), ", but ", why);
    }
    if (status == Status::kOk) {
      there.insert(key);
    }
  }
  // One that was decided may be published between two of these gets.
  const auto missing = [&] {
    return oracle_.missing_of_groups([&](std::uint32_t key) { return there.contains(key); });
  };
  for (const std::uint32_t key : missing()) {
    if (get(key) == Status::kOk) {
      there.insert(key);
    }
  }
  for (const std::uint32_t key : missing()) {
    world_.violated("of a group ", key_name(key), " is not there, neither evicted nor lost");
  }
}

void Cluster::check_all_removed() {
  for (std::uint32_t key = 0; key < keys_; ++key) {
    Status status = remove(key);
    for (int again = 0; again < 30 && status == Status::kPending; ++again) {
      world_.run_until(world_.now() + ms(200));
      status = remove(key);
    }
    // A node that never comes back owes its answer for long.
    const bool may_be_owed = status == Status::kPending && oracle_.has_lost_any();
    if (status != Status::kOk && status != Status::kNotFound && !may_be_owed) {
      world_.violated("a remove of ", key_name(key), " ends as ", name_of(status));
    }
    if (get(key) == Status::kOk) {
      world_.violated(key_name(key), " is there after it was removed");
    }
  }
  clients_[0]->crash();
  const auto all_free = [this] {
    meta_.check_space();
    const auto status = meta_.status();
    return std::all_of(status.nodes.begin(), status.nodes.end(), [this](const auto& node) {
      world_.say("world", node.name, " (", node.state, "): ", node.used_bytes, " bytes used, ",
                 node.limbo_bytes, " in limbo");
      return node.state != "alive" || node.free_bytes == node.capacity_bytes;
    });
  };
  const Micros by = world_.now() + kEmpty;
  while (!all_free() && world_.now() < by) {
    world_.run_until(world_.now() + kStep);
  }
  if (!all_free()) {
    // What a report held back is known to the process that made it. When that has ended, the space
    // waits for the next report.
    meta_.crash();
    meta_.start();
    wait_until("all space is free", kEmpty, [&] { return is_quiet() && all_free(); });
  }
}

RunResult run_once(std::uint64_t seed, Fault fault, std::ostream* trace) {
  RunResult result;
  Cluster cluster(seed, fault, trace);
  try {
    cluster.run();
  } catch (const Violation& violation) {
    result.violation = violation.what();
  }
  result.steps = cluster.steps();
  result.puts = cluster.oracle().puts_acknowledged();
  result.gets = cluster.oracle().gets_delivered();
  result.removes = cluster.oracle().removes_done();
  return result;
}

}  // namespace aquifer::sim
