// What the tests of the state machine share: a virtual clock, an outbox that records, nodes that
// answer as a real one does (node/segment_host.cc, node/control.cc), and clients that speak in
// frames. Messages move only when a test says so, in order within one connection.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/check.h"
#include "meta/state_machine.h"
#include "pool/object.h"

namespace aquifer::meta {

/// A frame that owns its payload.
struct Letter {
  rpc::FrameHeader header;
  std::string payload;

  protocol::Method method() const { return static_cast<protocol::Method>(header.method); }
  Status status() const { return static_cast<Status>(header.status); }
  template <class T>
  T as() const {  // strings point into this letter
    T message;
    AQ_CHECK(header.status == 0);
    AQ_CHECK(rpc::decode(payload, message));
    return message;
  }
};

template <class T>
Letter letter(protocol::Method method, const T& message, std::uint64_t id = 0) {
  rpc::Buffer bytes;
  rpc::FrameHeader header;
  header.method = static_cast<std::uint16_t>(method);
  header.id = id;
  rpc::append_frame(bytes, header, message);
  rpc::Frame frame;
  AQ_CHECK(rpc::read_frame({bytes.data(), bytes.size()}, frame) == rpc::FrameState::kWhole);
  return {frame.header, std::string(frame.payload)};
}

class RecordingOutbox final : public Outbox {
 public:
  rpc::Buffer* open(SessionId session) override {
    return closed_.contains(session) ? nullptr : &buffers_[session];
  }
  void appended(SessionId) override {}

  void close(SessionId session) override {
    closed_.insert(session);
    buffers_.erase(session);
  }
  bool is_closed(SessionId session) const { return closed_.contains(session); }
  /// The frames for a session since the last call.
  std::vector<Letter> take(SessionId session) {
    std::vector<Letter> letters;
    rpc::Buffer bytes = std::exchange(buffers_[session], {});
    std::string_view rest(bytes.data(), bytes.size());
    while (!rest.empty()) {
      rpc::Frame frame;
      AQ_CHECK(rpc::read_frame(rest, frame) == rpc::FrameState::kWhole);
      letters.push_back({frame.header, std::string(frame.payload)});
      rest.remove_prefix(sizeof frame.header + frame.payload.size());
    }
    return letters;
  }

 private:
  std::map<SessionId, rpc::Buffer> buffers_;
  std::set<SessionId> closed_;
};

/// A node with one segment that is all words and no bytes.
class SimulatedNode {
 public:
  SimulatedNode(std::uint64_t id, std::string name, std::uint32_t units, std::uint32_t slots = 256)
      : units_(units), populated_units_(units), slots_(slots), name_(std::move(name)), id_{id} {
    replace_segment();
  }

  base::NodeId id() const { return id_; }
  base::SegmentId segment() const { return segment_; }
  const std::string& name() const { return name_; }
  std::uint32_t units() const { return units_; }
  pool::SlotWord word(std::uint32_t slot) const { return words_.at(slot); }
  bool is(const protocol::Replica& replica, pool::SlotState state) const {
    return replica.segment == segment_ &&
           word(replica.slot) == pool::SlotWord{replica.generation, state};
  }
  /// Meta has welcomed it, and both mean the same segment.
  bool joined() const { return joined_; }
  std::size_t limbo() const { return limbo_.size(); }

  bool hangs = false;  ///< connected, but says nothing

  /// What the writer of a replica does at its end; false when the slot was taken from it.
  bool seal(const protocol::Replica& replica, pool::SlotState as = pool::SlotState::kSealed) {
    const bool mine = is(replica, pool::SlotState::kGranted);
    if (mine) {
      words_[replica.slot].state = as;
    }
    return mine;
  }
  /// A client with the segment mapped begins to write a slot; false when it was taken back.
  bool enter(const protocol::Replica& replica, base::ClientId client) {
    const bool mine = is(replica, pool::SlotState::kGranted);
    if (mine) {
      users_[replica.slot].insert({client, replica.generation});
    }
    return mine;
  }
  /// It has written its last byte there.
  void leave(const protocol::Replica& replica, base::ClientId client) {
    if (replica.segment == segment_) {
      users_[replica.slot].erase({client, replica.generation});
    }
  }
  bool uses(const protocol::Replica& replica, base::ClientId client) const {
    const auto found = users_.find(replica.slot);
    return replica.segment == segment_ && found != users_.end() &&
           found->second.contains({client, replica.generation});
  }
  /// The client's process has ended.
  void forget(base::ClientId client) {
    for (auto& [slot, users] : users_) {
      std::erase_if(users, [&](const auto& user) { return user.first == client; });
    }
  }

  /// Grants wait until this many units have memory.
  void populate(std::uint32_t units) {
    populated_units_ = units;
    grant();
  }
  void connect() {
    joined_ = false;
    outgoing.clear();
    outgoing.push_back(letter(protocol::Method::kNodeHello, hello(), 1));
  }
  protocol::NodeHello hello() const {
    protocol::NodeHello hello;
    hello.node = id_;
    hello.name = name_;
    hello.address = "tcp://127.0.0.1:7000";
    hello.unix_name = "aquifer-node-test";
    hello.host = "host";
    hello.process = 4711;
    hello.segment = segment_;
    hello.data_bytes = units_ * pool::kUnitBytes;
    hello.slots = slots_;
    return hello;
  }
  void receive(const Letter& message);
  /// Gives back what was in limbo and is not written any more.
  void poll();

  std::deque<Letter> outgoing;  ///< written, not yet with meta
  std::vector<Letter> refused;

 private:
  void replace_segment() {
    segment_ = {id_.value * 1000 + ++replaced_};
    words_.assign(slots_, {});
    granted_units_ = granted_slots_ = wanted_units_ = wanted_slots_ = told_units_ = told_slots_ = 0;
    limbo_.clear();
    users_.clear();
  }
  void grant();
  protocol::ReclaimedItem reclaim(const protocol::ReclaimItem& item);
  std::uint64_t take_back(std::uint32_t slot) {
    words_[slot] = {words_[slot].generation + 1, pool::SlotState::kGranted};
    return words_[slot].generation;
  }

  std::uint32_t units_;
  std::uint32_t populated_units_;
  std::uint32_t slots_;
  std::string name_;
  base::NodeId id_;
  base::SegmentId segment_{};
  std::uint64_t replaced_ = 0;
  bool joined_ = false;
  std::vector<pool::SlotWord> words_;
  std::uint32_t granted_units_ = 0, granted_slots_ = 0;
  std::uint32_t wanted_units_ = 0, wanted_slots_ = 0;
  std::uint32_t told_units_ = 0, told_slots_ = 0;
  std::vector<protocol::ReclaimItem> limbo_;
  using User = std::pair<base::ClientId, std::uint64_t>;  ///< and the generation that it writes
  std::map<std::uint32_t, std::set<User>> users_;         ///< who writes a slot in place
};

inline void SimulatedNode::grant() {
  for (; granted_slots_ < std::min(wanted_slots_, slots_); ++granted_slots_) {
    take_back(granted_slots_);
  }
  granted_units_ = std::max(granted_units_, std::min(wanted_units_, populated_units_));
  if (granted_units_ <= told_units_ && granted_slots_ <= told_slots_) {
    return;
  }
  protocol::Granted message{segment_, granted_units_, told_slots_, {}, units_};
  for (std::uint32_t slot = told_slots_; slot < granted_slots_; ++slot) {
    message.generations.push_back(words_[slot].generation);
  }
  outgoing.push_back(letter(protocol::Method::kGranted, message));
  told_units_ = granted_units_;
  told_slots_ = granted_slots_;
}

inline void SimulatedNode::receive(const Letter& message) {
  if (message.header.status != 0) {
    refused.push_back(message);
    return;
  }
  switch (message.method()) {
    case protocol::Method::kNodeHello: {
      const auto welcome = message.as<protocol::NodeWelcome>();
      if (welcome.what == protocol::NodeWelcome::What::kFresh) {
        replace_segment();  // meta has forgotten what lies here
        return connect();
      }
      joined_ = true;
      told_units_ = welcome.granted_units;
      told_slots_ = welcome.granted_slots;
      return grant();
    }
    case protocol::Method::kGrantMore: {
      const auto more = message.as<protocol::GrantMore>();
      if (more.segment != segment_) {
        return;  // of one that was replaced
      }
      if (more.segment != segment_) {
        return;  // for the segment before this one
      }
      wanted_units_ = std::max(wanted_units_, more.units);
      wanted_slots_ = std::max(wanted_slots_, more.slots);
      return grant();
    }
    case protocol::Method::kCopy: {
      const auto copy = message.as<protocol::Copy>();
      if (copy.segment == segment_) {
        pool::SlotWord& word = words_.at(copy.slot);
        const bool mine = word == pool::SlotWord{copy.generation, pool::SlotState::kGranted};
        word.state = mine ? pool::SlotState::kSealed : word.state;
        outgoing.push_back(
            letter(protocol::Method::kCopied,
                   protocol::Copied{segment_, copy.slot, copy.generation,
                                    mine ? Status::kOk : Status::kCancelled, copy.header_digest}));
      }
      return;
    }
    case protocol::Method::kPublish: {
      protocol::Published answer{segment_, {}};
      const auto publish = message.as<protocol::Publish>();
      if (publish.segment != segment_) {
        return;
      }
      for (const protocol::PublishItem& item : publish.items) {
        pool::SlotWord& word = words_.at(item.slot);
        const bool mine = word == pool::SlotWord{item.generation, pool::SlotState::kPrepared};
        word.state = mine ? pool::SlotState::kSealed : word.state;
        answer.items.push_back({item.slot, item.generation,
                                word == pool::SlotWord{item.generation, pool::SlotState::kSealed}});
      }
      outgoing.push_back(letter(protocol::Method::kPublished, answer));
      return;
    }
    case protocol::Method::kReclaim: {
      protocol::Reclaimed answer{segment_, {}};
      const auto reclaim_message = message.as<protocol::Reclaim>();
      if (reclaim_message.segment != segment_) {
        return;
      }
      for (const protocol::ReclaimItem& item : reclaim_message.items) {
        answer.items.push_back(reclaim(item));
      }
      outgoing.push_back(letter(protocol::Method::kReclaimed, answer));
      return;
    }
    default:
      return;
  }
}

inline protocol::ReclaimedItem SimulatedNode::reclaim(const protocol::ReclaimItem& item) {
  const pool::SlotWord word = words_.at(item.slot);
  AQ_CHECK(item.generation <= word.generation);
  if (word.generation != item.generation) {
    return {item.slot, item.generation,
            word.generation == item.generation + 1 ? word.generation : 0};
  }
  const auto same_slot = [&](const auto& waiting) { return waiting.slot == item.slot; };
  std::erase_if(limbo_, same_slot);
  const bool sealed =
      word.state == pool::SlotState::kSealed || word.state == pool::SlotState::kPrepared;
  if (!sealed && !users_[item.slot].empty()) {
    words_[item.slot].state = pool::SlotState::kLimbo;
    limbo_.push_back(item);
    return {item.slot, item.generation, 0};
  }
  return {item.slot, item.generation, take_back(item.slot)};
}

inline void SimulatedNode::poll() {
  protocol::Reclaimed released{segment_, {}};
  std::erase_if(limbo_, [&](const protocol::ReclaimItem& item) {
    if (!users_[item.slot].empty()) {
      return false;
    }
    released.items.push_back({item.slot, item.generation, take_back(item.slot)});
    return true;
  });
  if (!released.items.empty()) {
    outgoing.push_back(letter(protocol::Method::kReclaimed, released));
  }
}

/// A client's connection; replies are kept by request.
struct SimulatedClient {
  base::ClientId id{};
  SessionId session = 0;
  std::uint64_t last_request = 0;
  std::map<std::uint64_t, Letter> replies;
};

/// Meta with its nodes and clients.
class Simulation {
 public:
  explicit Simulation(StateOptions options = {base::PoolId{1}, 1, 7, 99}) : meta(options, outbox) {}

  SimulatedNode& add_node(std::uint32_t units = 4096) {
    const std::uint64_t number = nodes.size() + 1;
    nodes.push_back(
        std::make_unique<SimulatedNode>(number, "node-" + std::to_string(number), units));
    connect(*nodes.back());
    deliver();
    return *nodes.back();
  }
  void connect(SimulatedNode& node) {
    session_of[&node] = ++last_session;
    node.connect();
  }
  void disconnect(SimulatedNode& node) {
    const SessionId session = std::exchange(session_of[&node], 0);
    node.outgoing.clear();
    outbox.close(session);
    meta.disconnected(session, now);
  }
  SimulatedClient& add_client() {
    clients.push_back(std::make_unique<SimulatedClient>());
    clients.back()->id = {clients.size()};
    connect(*clients.back());
    return *clients.back();
  }
  void connect(SimulatedClient& client) {
    client.session = ++last_session;
    client.replies.clear();
    ask(client, protocol::Method::kClientHello, protocol::ClientHello{client.id, 1});
  }
  void disconnect(SimulatedClient& client) {
    outbox.close(client.session);
    meta.disconnected(std::exchange(client.session, 0), now);
  }

  void handle(SessionId session, const Letter& message) {
    meta.handle(session, {message.header, message.payload}, now);
  }
  /// Sends a request and collects what comes back at once.
  template <class T>
  std::uint64_t ask(SimulatedClient& client, protocol::Method method, const T& message) {
    handle(client.session, letter(method, message, ++client.last_request));
    collect(client);
    return client.last_request;
  }
  void collect(SimulatedClient& client) {
    for (Letter& reply : outbox.take(client.session)) {
      AQ_CHECK(client.replies.emplace(reply.header.id, reply).second);
    }
  }
  /// One step of one node: hears what meta wrote, then says the first thing it has to say.
  bool step(SimulatedNode& node) {
    const SessionId session = session_of[&node];
    if (session == 0) {
      return false;
    }
    const auto heard = outbox.take(session);
    for (const Letter& message : heard) {
      node.receive(message);
    }
    if (node.outgoing.empty()) {
      return !heard.empty();
    }
    const Letter message = std::move(node.outgoing.front());
    node.outgoing.pop_front();
    handle(session, message);
    return true;
  }
  /// Delivers everything to and from the nodes, and the replies.
  void deliver() {
    for (bool moved = true; moved;) {
      moved = false;
      for (auto& node : nodes) {
        moved = step(*node) || moved;
      }
    }
    for (auto& client : clients) {
      if (client->session != 0) {
        collect(*client);
      }
    }
  }
  /// Nodes that are connected and do not hang say that they live.
  void beat() {
    for (auto& node : nodes) {
      if (is_connected(*node) && !node->hangs) {
        handle(session_of[node.get()], letter(protocol::Method::kNodeBeat, protocol::NodeBeat{}));
      }
    }
  }
  /// False also for a node whose connection meta has ended.
  bool is_connected(SimulatedNode& node) {
    const SessionId session = session_of[&node];
    if (session != 0 && outbox.is_closed(session)) {
      session_of[&node] = 0;
      node.outgoing.clear();
    }
    return session_of[&node] != 0;
  }
  void pass(Time time) {
    constexpr Time kStep{100};
    do {
      const Time step = std::min(time, kStep);
      time -= step;
      now += step;
      beat();
      meta.tick(now);
      deliver();
    } while (time > Time(0));
  }

  // Calls of a client, whose answers a test waits for.
  std::uint64_t start(SimulatedClient& client, std::vector<std::string> keys,
                      std::uint64_t value_bytes = 1000, unsigned replicas = 1,
                      std::uint32_t timeout_ms = 1000, std::string_view preferred = {},
                      PutMode mode = PutMode::kKeep) {
    protocol::PutStart message;
    message.name_space = "default";
    message.timeout_ms = timeout_ms;
    message.replicas = replicas;
    message.preferred_node = preferred;
    message.mode = mode;
    for (const std::string& key : keys) {
      message.items.push_back({key, value_bytes});
    }
    return ask(client, protocol::Method::kPutStart, message);
  }
  std::vector<protocol::Handle> handles(SimulatedClient& client, std::uint64_t request) {
    return client.replies.contains(request)
               ? client.replies.at(request).as<protocol::Handles>().items
               : std::vector<protocol::Handle>();
  }
  std::vector<Status> statuses(SimulatedClient& client, std::uint64_t request) {
    return client.replies.contains(request)
               ? client.replies.at(request).as<protocol::Statuses>().items
               : std::vector<Status>();
  }
  /// Starts one put; its handle, or the status alone.
  protocol::Handle start_one(SimulatedClient& client, const std::string& key,
                             std::uint64_t value_bytes = 1000, unsigned replicas = 1) {
    const auto items = handles(client, start(client, {key}, value_bytes, replicas));
    return items.size() == 1 ? items[0] : protocol::Handle{Status::kInFlight, {}, 0, {}};
  }
  std::uint64_t ask_to_finish(SimulatedClient& client, const protocol::Handle& handle,
                              bool commit = true) {
    const protocol::PutFinishItem item{handle.put, commit,
                                       std::vector<std::uint64_t>(handle.replicas.size(), 5)};
    return ask(client, protocol::Method::kPutFinish, protocol::PutFinish{{item}});
  }
  /// The answer, for which nodes may have to be heard.
  Status finish(SimulatedClient& client, const protocol::Handle& handle, bool commit = true) {
    const std::uint64_t request = ask_to_finish(client, handle, commit);
    if (!client.replies.contains(request)) {
      deliver();
    }
    const auto answers = statuses(client, request);
    return answers.size() == 1 ? answers[0] : Status::kInternal;
  }
  void seal(const protocol::Handle& handle) {
    for (const protocol::Replica& replica : handle.replicas) {
      node_of(replica).seal(replica);
    }
  }
  /// A whole put.
  Status put(SimulatedClient& client, const std::string& key, std::uint64_t value_bytes = 1000,
             unsigned replicas = 1) {
    const std::uint64_t request = start(client, {key}, value_bytes, replicas);
    deliver();
    const auto items = handles(client, request);
    if (items.size() != 1 || items[0].status != Status::kOk) {
      return items.size() == 1 ? items[0].status : Status::kInFlight;
    }
    seal(items[0]);
    return finish(client, items[0]);
  }
  protocol::Handle look(SimulatedClient& client, const std::string& key, bool use = true) {
    const std::uint64_t request =
        ask(client, protocol::Method::kLookup, protocol::Lookup{"default", use, {key}});
    return handles(client, request).at(0);
  }
  std::uint64_t remove(SimulatedClient& client, std::vector<std::string_view> keys,
                       std::uint32_t timeout_ms = 1000) {
    return ask(client, protocol::Method::kRemove, protocol::Remove{"default", timeout_ms, keys});
  }
  Status pin(SimulatedClient& client, const std::string& key, std::uint64_t ttl_ms) {
    return statuses(client,
                    ask(client, protocol::Method::kPin, protocol::Pin{"default", ttl_ms, {key}}))
        .at(0);
  }
  SimulatedNode& node_of(const protocol::Replica& replica) {
    return *nodes.at(replica.node.value - 1);
  }
  std::uint64_t used_units(std::size_t node) {
    return meta.status().nodes.at(node).used_bytes / pool::kUnitBytes;
  }
  std::uint64_t limbo_units(std::size_t node) {
    return meta.status().nodes.at(node).limbo_bytes / pool::kUnitBytes;
  }

  Time now{1000};
  RecordingOutbox outbox;
  StateMachine meta;
  std::vector<std::unique_ptr<SimulatedNode>> nodes;
  std::vector<std::unique_ptr<SimulatedClient>> clients;
  std::map<SimulatedNode*, SessionId> session_of;
  SessionId last_session = 0;
};

inline std::uint64_t units_of(const protocol::Handle& handle) {
  std::uint64_t units = 0;
  for (const protocol::Replica& replica : handle.replicas) {
    for (const protocol::Run& run : replica.extents) {
      units += run.units;
    }
  }
  return units;
}

}  // namespace aquifer::meta
