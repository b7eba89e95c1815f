#include "sim/cluster.h"

#include <algorithm>

#include "sim/get_call.h"
#include "sim/put_call.h"
#include "sim/small_calls.h"

namespace aquifer::sim {

namespace {

constexpr Micros kAllJoined = ms(50);

}  // namespace

Cluster::Cluster(std::uint64_t seed, Fault fault, std::ostream* trace)
    : world_(seed, trace),
      plan_(draw_plan(world_, fault)),
      network_(world_),
      oracle_(world_),
      meta_(world_, network_, oracle_, plan_),
      keys_(plan_.keys) {
  network_.delay_max = plan_.network_delay;
  make_processes();
}

// Clients first: their mappings look at the memory of nodes.
Cluster::~Cluster() { clients_.clear(); }

void Cluster::make_processes() {
  for (unsigned number = 1; number <= plan_.nodes; ++number) {
    const std::uint64_t bytes = plan_.data_bytes * world_.between(1, 2);
    nodes_.push_back(
        std::make_unique<NodeProcess>(world_, network_, oracle_, meta_, plan_, number, bytes));
    NodeProcess* const node = nodes_.back().get();
    node->find_source = [this](base::SegmentId id) -> std::shared_ptr<SegmentMemory> {
      for (const auto& other : nodes_) {
        if (auto memory = other->served(); memory != nullptr && memory->view.id() == id) {
          return memory;
        }
      }
      return nullptr;
    };
    node->on_refused = [this, node] {
      world_.after(outage(), [node] {
        if (!node->runs()) {
          node->start();
        }
      });
    };
  }
  for (unsigned number = 1; number <= plan_.clients; ++number) {
    clients_.push_back(std::make_unique<ClientProcess>(
        world_, network_, oracle_, meta_, plan_, number,
        [this](const std::string& name) { return find_node(name); }));
    clients_.back()->on_moment = [this] {
      if (is_troubled_ && world_.now() > kAllJoined && world_.chance(plan_.spite)) {
        something_happens();
      }
    };
  }
}

NodeProcess* Cluster::find_node(const std::string& unix_name) {
  const auto found = std::find_if(nodes_.begin(), nodes_.end(),
                                  [&](const auto& node) { return node->unix_name() == unix_name; });
  return found == nodes_.end() ? nullptr : found->get();
}

void Cluster::run() {
  meta_.start();
  for (auto& node : nodes_) {
    node->start();
  }
  for (auto& client : clients_) {
    client->start();
    begin_work(*client);
  }
  begin_trouble();
  world_.run_until(plan_.time);
  heal();
  check_all_there();
  check_all_removed();
}

void Cluster::begin_work(ClientProcess& client) {
  for (unsigned caller = 0; caller < plan_.callers; ++caller) {
    client.after(world_.below(plan_.think_max), [this, &client] { next_call(client); });
  }
}

void Cluster::next_call(ClientProcess& client) {
  if (!is_troubled_) {
    return;
  }
  client.begin_call(draw_call(client), [this, &client] {
    client.after(world_.below(plan_.think_max), [this, &client] { next_call(client); });
  });
}

std::uint64_t Cluster::draw_bytes() {
  const std::uint64_t most =
      world_.chance(0.7) ? std::min<std::uint64_t>(plan_.bytes_max, 3000) : plan_.bytes_max;
  return world_.between(8, most);
}

// One key, or now and then a few different ones.
std::vector<std::uint32_t> Cluster::draw_keys(std::uint32_t first, std::uint32_t among) {
  std::vector<std::uint32_t> keys{first};
  for (std::uint64_t more = world_.chance(plan_.batch) ? world_.between(1, 3) : 0; more > 0;
       --more) {
    const auto key = static_cast<std::uint32_t>(world_.below(among));
    if (std::find(keys.begin(), keys.end(), key) == keys.end()) {
      keys.push_back(key);
    }
  }
  return keys;
}

std::shared_ptr<Call> Cluster::draw_put(ClientProcess& client, PutMode mode, bool open,
                                        Micros deadline) {
  const auto key = static_cast<std::uint32_t>(world_.below(plan_.keys));
  const unsigned replicas = world_.chance(plan_.two_replicas) ? 2 : 1;
  if (open) {
    return std::make_shared<OpenPutCall>(client, PutWish{key, draw_bytes(), mode, replicas},
                                         deadline);
  }
  std::vector<PutWish> wishes;
  for (const std::uint32_t one : draw_keys(key, plan_.keys)) {
    wishes.push_back({one, draw_bytes(), mode, replicas});
  }
  return std::make_shared<PutCall>(client, wishes, false, deadline);
}

std::shared_ptr<Call> Cluster::draw_call(ClientProcess& client) {
  const auto key = static_cast<std::uint32_t>(world_.below(plan_.keys));
  const auto any_key = static_cast<std::uint32_t>(world_.below(keys_));
  const Micros deadline = world_.between(plan_.deadline_min, plan_.deadline_max);
  const auto& mix = plan_.mix;
  const unsigned put_group = groups_ < plan_.groups_max ? mix.put_group : 0;
  std::uint64_t drawn =
      world_.below(mix.get + mix.put + mix.replace + mix.put_if_absent + put_group + mix.put_open +
                   mix.remove + mix.pin + mix.view + mix.get_range + mix.find);
  const auto is = [&drawn](unsigned share) {
    const bool hit = drawn < share;
    drawn -= hit ? 0 : share;
    return hit;
  };
  if (is(mix.get)) {
    return std::make_shared<GetCall>(client, draw_keys(any_key, keys_), deadline);
  }
  if (is(mix.put)) {
    return draw_put(client, PutMode::kKeep, false, deadline);
  }
  if (is(mix.replace)) {
    return draw_put(client, PutMode::kReplace, false, deadline);
  }
  if (is(mix.put_if_absent)) {
    return draw_put(client, PutMode::kIfAbsent, false, deadline);
  }
  if (is(put_group)) {
    return draw_group(client, deadline);
  }
  if (is(mix.put_open)) {
    const bool replaces = world_.chance(0.5);
    return draw_put(client, replaces ? PutMode::kReplace : PutMode::kKeep, true, deadline);
  }
  if (is(mix.remove)) {
    return std::make_shared<RemoveCall>(client, key, deadline);
  }
  if (is(mix.pin)) {
    return std::make_shared<PinCall>(client, key, deadline);
  }
  if (is(mix.get_range)) {
    return std::make_shared<RangeCall>(client, any_key, deadline);
  }
  if (is(mix.find)) {
    return std::make_shared<FindCall>(client, draw_keys(any_key, keys_), deadline);
  }
  return std::make_shared<ViewCall>(client, key, deadline);
}

std::shared_ptr<Call> Cluster::draw_group(ClientProcess& client, Micros deadline) {
  ++groups_;
  const unsigned replicas = world_.chance(plan_.two_replicas) ? 2 : 1;
  std::vector<PutWish> wishes;
  for (std::uint64_t objects = world_.between(2, 4); objects > 0; --objects) {
    wishes.push_back(
        {keys_++, std::min<std::uint64_t>(draw_bytes(), 3000), PutMode::kKeep, replicas});
  }
  return std::make_shared<PutCall>(client, wishes, true, deadline);
}

// Most are short; some are longer than the time after which meta forgets.
Micros Cluster::outage() {
  return world_.chance(0.8) ? ms(world_.between(1, 400)) : ms(world_.between(400, 3500));
}

void Cluster::begin_trouble() {
  const auto& often = plan_.trouble;
  const auto add = [this](Micros every, std::function<void()> happens) {
    if (every != 0) {
      kinds_.push_back({every, std::move(happens)});
    }
  };
  add(often.meta_crash, [this] { meta_crashes(); });
  add(often.meta_stop, [this] { stops(meta_); });
  add(often.node_crash, [this] { node_crashes(some_node(), true); });
  add(often.node_loss, [this] { node_crashes(some_node(), false); });
  add(often.node_stop, [this] { stops(some_node()); });
  add(often.client_crash, [this] { client_crashes(some_client()); });
  add(often.client_stop, [this] { stops(some_client()); });
  add(often.cut, [this] {
    if (Connection* connection = some_connection()) {
      connection->cut();
    }
  });
  add(often.hold, [this] {
    if (Connection* connection = some_connection()) {
      connection->hold(static_cast<int>(world_.below(2)), outage());
    }
  });
  world_.after(kAllJoined, [this] {
    for (const Kind& kind : kinds_) {
      wait_for(kind);
    }
  });
}

void Cluster::wait_for(const Kind& kind) {
  world_.after(world_.between(1, 2 * kind.every), [this, &kind] {
    if (is_troubled_) {
      kind.happens();
      wait_for(kind);
    }
  });
}

// Never from within what happens to: the process may be the one that it happens to.
void Cluster::something_happens() {
  if (!kinds_.empty()) {
    const Kind& kind = kinds_[world_.below(kinds_.size())];
    world_.after(world_.below(300), [this, &kind] {
      if (is_troubled_) {
        kind.happens();
      }
    });
  }
}

void Cluster::meta_crashes() {
  if (meta_.runs()) {
    meta_.crash();
    world_.after(outage() / 2, [this] {
      if (!meta_.runs()) {
        meta_.start();
      }
    });
  }
}

void Cluster::node_crashes(NodeProcess& node, bool with_memory) {
  if (!node.runs()) {
    return;
  }
  with_memory ? node.crash() : node.lose_memory();
  world_.after(outage(), [&node] {
    if (!node.runs()) {
      node.start();
    }
  });
}

void Cluster::client_crashes(ClientProcess& client) {
  if (client.runs()) {
    client.crash();
    world_.after(outage(), [this, &client] { restart(client); });
  }
}

void Cluster::restart(ClientProcess& client) {
  if (!client.runs()) {
    client.start();
    begin_work(client);
  }
}

void Cluster::stops(Process& process) {
  if (process.runs() && !process.is_stopped()) {
    process.stop();
    world_.after(outage(), [&process, life = process.life()] {
      if (process.life() == life) {
        process.go_on();
      }
    });
  }
}

Connection* Cluster::some_connection() {
  const auto open = network_.open();
  return open.empty() ? nullptr : open[world_.below(open.size())].get();
}

}  // namespace aquifer::sim
