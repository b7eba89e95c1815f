#include "node/control.h"

#include <algorithm>

#include "base/strings.h"
#include "protocol/epoch.h"

namespace aquifer::node {

using protocol::Method;

namespace {

constexpr unsigned kPollsPerBeat = 10;

}  // namespace

template <class T>
void Control::send(Method method, const T& message, std::uint64_t id) {
  if (rpc::Buffer* out = line_.out()) {
    rpc::FrameHeader header;
    header.method = static_cast<std::uint16_t>(method);
    header.id = id;
    rpc::append_frame(*out, header, message);
    line_.appended();
  }
}

template <class T, class Handle>
void Control::decode_and(const rpc::Frame& frame, Handle handle) {
  T message;
  if (rpc::decode(frame.payload, message)) {
    handle(message);
  }
}

void Control::connected(const std::string& address) {
  address_ = address;
  report_.reset();  // one that was broken off begins anew
  say_hello();
}

void Control::say_hello() {
  const auto segment = hooks_.segment();
  const auto& view = segment->view();
  protocol::NodeHello hello;
  hello.node = identity_.node;
  hello.name = identity_.name;
  hello.address = address_;
  hello.unix_name = identity_.unix_name;
  hello.host = identity_.host;
  hello.process = identity_.process;
  hello.segment = view.id();
  hello.data_bytes = view.shape().data_bytes;
  hello.slots = view.slot_count();
  hello.epoch = view.header().epoch.load();
  hello.pool = {view.header().pool.load()};
  hello.granted_units = segment->granted_units();
  hello.granted_slots = segment->granted_slots();
  hello.lasts = segment->lasts();
  hello.zone = identity_.zone;
  for (const auto& gone : view.header().gone) {
    if (const base::SegmentId id{gone.load(std::memory_order_relaxed)}; id) {
      hello.gone.push_back(id);
    }
  }
  hello.members = members_;
  for (const auto& member : view.header().members) {
    if (const base::NodeId id{member.load(std::memory_order_relaxed)}; id) {
      hello.lasting.push_back(id);
    }
  }
  send(Method::kNodeHello, hello, 1);
}

void Control::handle(const rpc::Frame& frame, Milliseconds now) {
  switch (static_cast<Method>(frame.header.method)) {
    case Method::kNodeHello:
      return on_welcome(frame, now);
    case Method::kNodeLeave:
      left();
      return;
    case Method::kNodeBeat:
      return on_beat(frame);
    case Method::kGrantMore:
      return decode_and<protocol::GrantMore>(frame, [&](const auto& m) { grant_more(m); });
    case Method::kReclaim:
      return decode_and<protocol::Reclaim>(frame, [&](const auto& m) { reclaim(m); });
    case Method::kPublish:
      return decode_and<protocol::Publish>(frame, [&](const auto& m) { publish(m); });
    case Method::kVerify:
      return decode_and<protocol::Verify>(frame, [&](const auto& m) { verify(m); });
    case Method::kCopy:
      return decode_and<protocol::Copy>(frame, [&](const auto& m) { copy(m); });
    case Method::kLeave:
      return hooks_.on_drained();
    case Method::kMembers:
      return decode_and<protocol::Members>(frame, [&](const auto& m) { members(m); });
    case Method::kScan:
      return decode_and<protocol::Scan>(frame, [&](const auto& m) { scan(m); });
    default:
      return;  // a newer meta may say more than this node knows
  }
}

// An answer; its id is the time at which the beat was sent.
void Control::on_beat(const rpc::Frame& frame) {
  if (frame.header.status == 0) {
    answered_ = std::max(answered_, frame.header.id);
  } else if (joined_) {
    // Meta takes another connection for the one of this node.
    hooks_.on_event("meta does not know this connection; connecting again");
    disconnected();
    line_.close();
  }
}

void Control::refused(Error error) {
  ended_ = true;
  hooks_.on_refused(error);
}

void Control::on_welcome(const rpc::Frame& frame, Milliseconds now) {
  if (frame.header.status != 0) {
    rpc::ErrorMessage message;
    rpc::decode(frame.payload, message);
    return refused({static_cast<Status>(frame.header.status), std::string(message.message),
                    std::string(message.hint)});
  }
  protocol::NodeWelcome welcome;
  if (!rpc::decode(frame.payload, welcome)) {
    return;
  }
  if (!obeys(welcome.epoch)) {
    // An older meta, or one of two that know nothing of each other: the hello has told it so.
    hooks_.on_event("an older meta has answered; connecting again");
    disconnected();
    return line_.close();
  }
  switch (welcome.what) {
    case protocol::NodeWelcome::What::kFresh:
      return start_afresh();
    case protocol::NodeWelcome::What::kRecover:
      return report(welcome);
    case protocol::NodeWelcome::What::kKnown:
      return joined(welcome, now);
  }
}

// Meta has forgotten what lies here, and may have removed some of it meanwhile.
void Control::start_afresh() {
  wanted_units_ = wanted_slots_ = told_slots_ = told_units_ = 0;
  if (auto replaced = hooks_.replace_segment(); !replaced) {
    return refused(replaced.error());
  }
  hooks_.on_event(
      "meta does not know this node any more: the segment was replaced by an empty one");
  say_hello();
}

// A node obeys the highest epoch it has heard of, and of one number only one meta.
bool Control::obeys(std::uint64_t epoch) {
  auto& highest = hooks_.segment()->view().header().epoch;
  const std::uint64_t known = highest.load();
  const bool is_newer = protocol::epoch_number(epoch) > protocol::epoch_number(known);
  if (!is_newer && epoch != known) {
    return false;
  }
  highest.store(epoch);
  return true;
}

void Control::members(const protocol::Members& message) {
  if (obeys(message.epoch)) {
    if (message.pool) {
      hooks_.segment()->view().header().pool.store(message.pool.value);
    }
    members_ = message.nodes;
    auto& gone = hooks_.segment()->view().header().gone;
    for (std::size_t i = 0; i < gone.size(); ++i) {
      gone[i].store(i < message.gone.size() ? message.gone[i].value : 0, std::memory_order_relaxed);
    }
    auto& members = hooks_.segment()->view().header().members;
    for (std::size_t i = 0; i < members.size(); ++i) {
      members[i].store(i < message.lasting.size() ? message.lasting[i].value : 0,
                       std::memory_order_relaxed);
    }
  }
}

// In parts: clients and heartbeats are served between them.
void Control::report(const protocol::NodeWelcome& welcome) {
  joined_ = true;
  fenced_ = false;
  hooks_.on_event(base::cat("reporting to meta at ", identity_.meta, " what the segment holds"));
  hooks_.segment()->begin_report();
  looked_through_ = true;
  report_ = std::make_unique<Report>(Report{welcome, base::KeyHasher(welcome.secret)});
  line_.step_soon();
}

void Control::step(Milliseconds now) {
  if (report_ == nullptr || !joined_) {
    return;
  }
  const protocol::Recovered part = hooks_.segment()->report_step(report_->hasher);
  send(Method::kRecovered, part);
  if (!part.end) {
    return line_.step_soon();
  }
  const auto whole = std::move(report_);
  joined(whole->welcome, now);
}

// A segment of an earlier process: what is damaged in it is not to be found any more.
void Control::tell_damaged() {
  const auto segment = hooks_.segment();
  if (std::exchange(looked_through_, true) || !segment->was_attached()) {
    return;
  }
  for (const protocol::RecoveredSlot& bad : segment->find_damaged()) {
    send(Method::kVerified,
         protocol::Verified{segment->view().id(), bad.slot, bad.generation, true});
  }
}

void Control::joined(const protocol::NodeWelcome& welcome, Milliseconds now) {
  const bool again = std::exchange(has_joined_, true);
  joined_ = true;
  fenced_ = false;
  was_welcomed_ = true;
  trust_ = welcome.trust_ms;
  answered_ = now;
  keep_alive(now);
  line_.on_joined();
  told_units_ = wanted_units_ = welcome.granted_units;
  told_slots_ = wanted_slots_ = welcome.granted_slots;
  told_units_max_ = hooks_.segment()->view().shape().data_bytes / pool::kUnitBytes;
  if (welcome.pool) {
    hooks_.segment()->view().header().pool.store(welcome.pool.value);
  }
  if (!again) {
    hooks_.on_event(base::cat("joined meta at ", identity_.meta));
  }
  tell_damaged();
  if (told_units_ > 0 && told_slots_ > 0) {
    hooks_.on_ready();
  }
  grant_wanted();
}

void Control::grant_more(const protocol::GrantMore& message) {
  if (message.segment == hooks_.segment()->view().id() && obeys(message.epoch)) {
    wanted_units_ = std::max(wanted_units_, message.units);
    wanted_slots_ = std::max(wanted_slots_, message.slots);
    grant_wanted();
  }
}

void Control::grant_wanted() {
  if (!has_joined_) {
    return;
  }
  const auto segment = hooks_.segment();
  segment->grant(wanted_units_, wanted_slots_);
  const bool shrunk = std::exchange(told_units_max_, segment->units_max()) > segment->units_max();
  if (shrunk || segment->granted_units() > told_units_ || segment->granted_slots() > told_slots_) {
    send(Method::kGranted, segment->granted_since(told_slots_));
    told_units_ = segment->granted_units();
    told_slots_ = segment->granted_slots();
    if (told_units_ > 0 && told_slots_ > 0) {
      hooks_.on_ready();
    }
  }
}

void Control::reclaim(const protocol::Reclaim& message) {
  const auto segment = hooks_.segment();
  if (message.segment != segment->view().id() || !obeys(message.epoch)) {
    return;
  }
  protocol::Reclaimed answer{message.segment, {}};
  answer.items.reserve(message.items.size());
  for (const protocol::ReclaimItem& item : message.items) {
    answer.items.push_back(segment->reclaim(item));
  }
  send(Method::kReclaimed, answer);
}

void Control::publish(const protocol::Publish& message) {
  const auto segment = hooks_.segment();
  if (message.segment != segment->view().id() || !obeys(message.epoch)) {
    return;
  }
  protocol::Published answer{message.segment, {}};
  answer.items.reserve(message.items.size());
  for (const protocol::PublishItem& item : message.items) {
    answer.items.push_back({item.slot, item.generation, segment->publish(item)});
  }
  send(Method::kPublished, answer);
}

void Control::verify(const protocol::Verify& message) {
  const auto segment = hooks_.segment();
  if (message.segment == segment->view().id()) {
    send(Method::kVerified, protocol::Verified{message.segment, message.slot, message.generation,
                                               segment->find_bad(message)});
  }
}

void Control::copy(const protocol::Copy& message) {
  if (message.segment == hooks_.segment()->view().id() && obeys(message.epoch)) {
    hooks_.on_copy(message);
  }
}

void Control::copied(const protocol::Copied& message) { send(Method::kCopied, message); }

void Control::scan(const protocol::Scan& message) {
  const auto segment = hooks_.segment();
  if (message.segment != segment->view().id()) {
    return;
  }
  const SegmentHost::Scanned scanned = segment->scan(message);
  protocol::Scanned answer{message.segment, message.id, scanned.next_slot, scanned.end, {}};
  for (const SegmentHost::Found& found : scanned.found) {
    answer.items.push_back({found.slot, found.generation, found.key});
  }
  send(Method::kScanned, answer);
}

void Control::tick(Milliseconds now) {
  keep_alive(now);
  beat(now);
}

// Says to readers of this host that the node is a member. A process that was stopped may have been
// forgotten meanwhile: it asks first. While meta is away nothing can be removed, and reads go on.
void Control::keep_alive(Milliseconds now) {
  const bool was_away = now - last_poll_ > static_cast<Milliseconds>(pool::kHeartbeatLease.count());
  if (was_away && last_poll_ != 0 && !fenced_) {
    fenced_ = true;
    if (report_ != nullptr && joined_) {
      disconnected();  // what is on its way of the report is to count for nothing
      line_.close();
    } else if (joined_) {
      say_hello();
    }
  }
  last_poll_ = now;
  // A meta whose connection has ended is dead, and nothing is removed before it knows this node
  // again. One that is silent may be cut off from here, and remove what readers of this host would
  // find.
  if (has_joined_) {
    is_silent_ = trust_ != 0 && now - answered_ > trust_;
  }
  const auto segment = hooks_.segment();
  // What an earlier process has left may have been given up meanwhile, and removed in part.
  const bool is_member = was_welcomed_ || (segment != nullptr && !segment->was_attached());
  if (segment != nullptr && is_member && !fenced_ && !is_silent_) {
    segment->view().header().heartbeat_ms.store(now, std::memory_order_release);
  }
}

// Ten times a second, and sooner when bytes have moved.
void Control::beat(Milliseconds time) {
  const auto segment = hooks_.segment();
  if (!joined_ || segment == nullptr) {
    return;
  }
  const bool due = ++polls_ % kPollsPerBeat == 0;
  protocol::NodeBeat now = hooks_.counters();
  now.views = segment->views();
  const bool moved = now.tcp_read != told_.tcp_read || now.tcp_written != told_.tcp_written;
  if (due) {
    if (auto released = segment->release_limbo(); !released.empty()) {
      send(Method::kReclaimed, protocol::Reclaimed{segment->view().id(), std::move(released)});
    }
    if (auto runs = segment->take_held_runs(); !runs.empty()) {
      send(Method::kRecovered, protocol::Recovered{segment->view().id(), {}, {}, {}, runs, false});
    }
  }
  if (due || moved) {
    told_ = now;
    send(Method::kNodeBeat, now, time);
  }
}

void Control::leave(std::function<void()> done) {
  ended_ = true;
  if (!joined_) {
    return done();
  }
  on_left_ = std::move(done);
  send(Method::kNodeLeave, protocol::Empty{}, 2);
}

bool Control::left() {
  if (!on_left_) {
    return false;
  }
  std::exchange(on_left_, {})();
  return true;
}

}  // namespace aquifer::node
