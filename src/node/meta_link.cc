#include "node/meta_link.h"

#include <unistd.h>

#include <algorithm>

#include "base/random.h"
#include "base/strings.h"
#include "protocol/epoch.h"

namespace aquifer::node {

using protocol::Method;

namespace {

constexpr std::chrono::milliseconds kBackoffFirst{50};
constexpr std::chrono::milliseconds kBackoffMax{400};
constexpr std::chrono::milliseconds kAnswerTime{2000};
constexpr std::chrono::milliseconds kConnectTime{500};
constexpr std::chrono::milliseconds kPoll{10};
constexpr unsigned kPollsPerBeat = 10;

}  // namespace

MetaLink::MetaLink(io::Loop& loop, io::Address meta, Identity identity, Hooks hooks)
    : loop_(loop),
      meta_(std::move(meta)),
      identity_(std::move(identity)),
      hooks_(std::move(hooks)),
      backoff_(kBackoffFirst) {}

template <class T>
void MetaLink::send(Method method, const T& message, std::uint64_t id) {
  if (connection_ != nullptr) {
    rpc::FrameHeader header;
    header.method = static_cast<std::uint16_t>(method);
    header.id = id;
    connection_->send(header, message);
  }
}

void MetaLink::start() {
  loop_.every(kPoll, [this] {
    keep_alive();
    beat();
  });
  connect();
}

void MetaLink::connect() {
  if (ended_) {
    return;
  }
  auto fd = io::connect_tcp(meta_, io::Clock::now() + kConnectTime);
  last_poll_ms_ = pool::monotonic_ms();  // looking for a meta that is away is not being away
  if (!fd) {
    tell_waiting(fd.error().message);
    return retry();
  }
  rpc::Connection::Handlers handlers;
  handlers.on_frame = [this](rpc::Connection&, const rpc::Frame& frame) { on_frame(frame); };
  handlers.on_close = [this](rpc::Connection&, const std::string& why) {
    connection_.reset();
    if (on_left_) {
      return std::exchange(on_left_, {})();
    }
    if (joined_) {
      hooks_.on_event(base::cat("lost meta at ", meta_.text(), " (", why, "), connecting again"));
    } else {
      tell_waiting(why);
    }
    joined_ = has_joined_ = false;
    retry();
  };
  connection_ = rpc::Connection::start(loop_, *std::move(fd), std::move(handlers));
  say_hello();
  loop_.after(kAnswerTime, [this, asked = connection_.get()] { give_up_on(asked); });
}

// Something listens there, but it is no meta, or one that hangs.
void MetaLink::give_up_on(const rpc::Connection* asked) {
  if (joined_ || ended_ || connection_.get() != asked) {
    return;
  }
  tell_waiting("connected, but nothing answers");
  connection_->close();
  connection_.reset();
  retry();
}

void MetaLink::tell_waiting(const std::string& why) {
  if (!std::exchange(told_waiting_, true)) {
    hooks_.on_event(base::cat("waiting for meta at ", meta_.text(), " (", why, ")"));
  }
}

void MetaLink::retry() {
  // Not all at once: between half of it and the whole.
  const auto half = backoff_ / 2;
  const auto jitter =
      std::chrono::milliseconds(base::random_id() % static_cast<std::uint64_t>(half.count() + 1));
  loop_.after(half + jitter, [this] { connect(); });
  backoff_ = std::min(backoff_ * 2, kBackoffMax);
}

// A node that listens on every address is reached where it reaches meta from.
std::string MetaLink::advertised() const {
  auto address = io::Address::parse(identity_.address);
  const bool everywhere = address.ok() && (address->host == "0.0.0.0" || address->host == "::");
  const auto here = everywhere ? io::local_address(connection_->fd()) : address;
  return everywhere && here.ok() ? io::Address{here->host, address->port}.text()
                                 : identity_.address;
}

void MetaLink::say_hello() {
  const auto segment = hooks_.segment();
  const auto& view = segment->view();
  const std::string address = advertised();
  protocol::NodeHello hello;
  hello.node = identity_.node;
  hello.name = identity_.name;
  hello.address = address;
  hello.unix_name = identity_.unix_name;
  hello.host = identity_.host;
  hello.process = static_cast<std::uint64_t>(getpid());
  hello.segment = view.id();
  hello.data_bytes = view.shape().data_bytes;
  hello.slots = view.slot_count();
  hello.epoch = view.header().epoch.load();
  hello.pool = {view.header().pool.load()};
  hello.granted_units = segment->granted_units();
  hello.granted_slots = segment->granted_slots();
  hello.lasts = segment->lasts();
  hello.zone = identity_.zone;
  hello.members = members_;
  send(Method::kNodeHello, hello, 1);
}

void MetaLink::on_frame(const rpc::Frame& frame) {
  switch (static_cast<Method>(frame.header.method)) {
    case Method::kNodeHello:
      return on_welcome(frame);
    case Method::kNodeLeave:
      if (on_left_) {
        std::exchange(on_left_, {})();
      }
      return;
    case Method::kGrantMore: {
      protocol::GrantMore message;
      if (rpc::decode(frame.payload, message) && message.segment == hooks_.segment()->view().id() &&
          obeys(message.epoch)) {
        wanted_units_ = std::max(wanted_units_, message.units);
        wanted_slots_ = std::max(wanted_slots_, message.slots);
        grant_wanted();
      }
      return;
    }
    case Method::kReclaim: {
      protocol::Reclaim message;
      if (rpc::decode(frame.payload, message)) {
        reclaim(message);
      }
      return;
    }
    case Method::kVerify: {
      protocol::Verify message;
      if (rpc::decode(frame.payload, message)) {
        verify(message);
      }
      return;
    }
    case Method::kCopy: {
      protocol::Copy message;
      if (rpc::decode(frame.payload, message)) {
        copy(message);
      }
      return;
    }
    case Method::kLeave:
      return hooks_.on_drained();
    case Method::kMembers: {
      protocol::Members message;
      if (rpc::decode(frame.payload, message)) {
        members(message);
      }
      return;
    }
    case Method::kScan: {
      protocol::Scan message;
      if (rpc::decode(frame.payload, message)) {
        scan(message);
      }
      return;
    }
    default:
      return;  // a newer meta may say more than this node knows
  }
}

void MetaLink::on_welcome(const rpc::Frame& frame) {
  if (frame.header.status != 0) {
    rpc::ErrorMessage message;
    rpc::decode(frame.payload, message);
    ended_ = true;
    return hooks_.on_refused({static_cast<Status>(frame.header.status),
                              std::string(message.message), std::string(message.hint)});
  }
  protocol::NodeWelcome welcome;
  if (!rpc::decode(frame.payload, welcome)) {
    return;
  }
  if (!obeys(welcome.epoch)) {
    // An older meta, or one of two that know nothing of each other: the hello has told it so.
    connection_->close();
    connection_.reset();
    hooks_.on_event("an older meta has answered; connecting again");
    return retry();
  }
  switch (welcome.what) {
    case protocol::NodeWelcome::What::kFresh:
      return start_afresh();
    case protocol::NodeWelcome::What::kRecover:
      return report(welcome);
    case protocol::NodeWelcome::What::kKnown:
      return joined(welcome);
  }
}

// Meta has forgotten what lies here, and may have removed some of it meanwhile.
void MetaLink::start_afresh() {
  wanted_units_ = wanted_slots_ = told_slots_ = told_units_ = 0;
  if (auto replaced = hooks_.replace_segment(); !replaced) {
    ended_ = true;
    return hooks_.on_refused(replaced.error());
  }
  hooks_.on_event(
      "meta does not know this node any more: the segment was replaced by an empty one");
  say_hello();
}

// A node obeys the highest epoch it has heard of, and of one number only one meta.
bool MetaLink::obeys(std::uint64_t epoch) {
  auto& highest = hooks_.segment()->view().header().epoch;
  const std::uint64_t known = highest.load();
  const bool is_newer = protocol::epoch_number(epoch) > protocol::epoch_number(known);
  if (!is_newer && epoch != known) {
    return false;
  }
  highest.store(epoch);
  return true;
}

void MetaLink::members(const protocol::Members& message) {
  if (obeys(message.epoch)) {
    hooks_.segment()->view().header().pool.store(message.pool.value);
    members_ = message.nodes;
  }
}

// In parts, one in each turn of the loop: clients and heartbeats are served between them.
void MetaLink::report(const protocol::NodeWelcome& welcome) {
  joined_ = true;
  fenced_ = false;
  hooks_.on_event(base::cat("reporting to meta at ", meta_.text(), " what the segment holds"));
  hooks_.segment()->begin_report();
  looked_through_ = true;
  loop_.post([this, welcome, number = ++report_, hasher = base::KeyHasher(welcome.secret)] {
    report_step(number, welcome, hasher);
  });
}

void MetaLink::report_step(std::uint64_t number, const protocol::NodeWelcome& welcome,
                           const base::KeyHasher& hasher) {
  if (number != report_ || !joined_) {
    return;
  }
  const auto segment = hooks_.segment();
  const protocol::Recovered part = segment->report_step(hasher);
  send(Method::kRecovered, part);
  if (part.end) {
    return joined(welcome);
  }
  loop_.post([this, welcome, number, hasher] { report_step(number, welcome, hasher); });
}

// A segment of an earlier process: what is damaged in it is not to be found any more.
void MetaLink::tell_damaged() {
  const auto segment = hooks_.segment();
  if (std::exchange(looked_through_, true) || !segment->was_attached()) {
    return;
  }
  for (const protocol::RecoveredSlot& bad : segment->find_damaged()) {
    send(Method::kVerified,
         protocol::Verified{segment->view().id(), bad.slot, bad.generation, true});
  }
}

void MetaLink::joined(const protocol::NodeWelcome& welcome) {
  const bool again = std::exchange(has_joined_, true);
  joined_ = true;
  fenced_ = false;
  keep_alive();
  backoff_ = kBackoffFirst;
  told_waiting_ = false;
  told_units_ = wanted_units_ = welcome.granted_units;
  told_slots_ = wanted_slots_ = welcome.granted_slots;
  told_units_max_ = hooks_.segment()->view().shape().data_bytes / pool::kUnitBytes;
  hooks_.segment()->view().header().pool.store(welcome.pool.value);
  if (!again) {
    hooks_.on_event(base::cat("joined meta at ", meta_.text()));
  }
  tell_damaged();
  if (told_units_ > 0 && told_slots_ > 0) {
    hooks_.on_ready();
  }
  grant_wanted();
}

void MetaLink::memory_grew() { grant_wanted(); }

void MetaLink::grant_wanted() {
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

void MetaLink::reclaim(const protocol::Reclaim& message) {
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

void MetaLink::verify(const protocol::Verify& message) {
  const auto segment = hooks_.segment();
  if (message.segment == segment->view().id()) {
    send(Method::kVerified, protocol::Verified{message.segment, message.slot, message.generation,
                                               segment->find_bad(message)});
  }
}

void MetaLink::copy(const protocol::Copy& message) {
  if (message.segment == hooks_.segment()->view().id() && obeys(message.epoch)) {
    hooks_.on_copy(message);
  }
}

void MetaLink::scan(const protocol::Scan& message) {
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

// Says to readers of this host that the node is a member. A process that was stopped may have been
// forgotten meanwhile: it asks first. While meta is away nothing can be removed, and reads go on.
void MetaLink::keep_alive() {
  const std::uint64_t now = pool::monotonic_ms();
  const bool was_away =
      now - last_poll_ms_ > static_cast<std::uint64_t>(pool::kHeartbeatLease.count());
  if (was_away && last_poll_ms_ != 0 && !fenced_) {
    fenced_ = true;
    if (joined_) {
      say_hello();
    }
  }
  last_poll_ms_ = now;
  if (const auto segment = hooks_.segment(); segment != nullptr && !fenced_) {
    segment->view().header().heartbeat_ms.store(now, std::memory_order_release);
  }
}

// Ten times a second, and sooner when bytes have moved.
void MetaLink::beat() {
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
    send(Method::kNodeBeat, now);
  }
}

void MetaLink::copied(const protocol::Copied& message) { send(Method::kCopied, message); }

void MetaLink::drop() {
  ended_ = true;
  if (connection_ != nullptr) {
    connection_->close();
    connection_.reset();
  }
}

void MetaLink::leave(std::function<void()> done) {
  ended_ = true;
  if (!joined_) {
    return done();
  }
  on_left_ = std::move(done);
  send(Method::kNodeLeave, protocol::Empty{}, 2);
}

}  // namespace aquifer::node
