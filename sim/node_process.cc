#include "sim/node_process.h"

#include <algorithm>

namespace aquifer::sim {
namespace {

constexpr Micros kBackoffFirst = ms(50);
constexpr Micros kBackoffMax = ms(400);
constexpr Micros kAnswerTime = ms(2000);
constexpr Micros kPoll = ms(10);

}  // namespace

NodeProcess::NodeProcess(World& world, Network& network, Oracle& oracle, MetaProcess& meta,
                         const Plan& plan, unsigned number, std::uint64_t data_bytes)
    : Process(world, base::cat("node-", number)),
      network_(network),
      oracle_(oracle),
      meta_(meta),
      plan_(plan),
      data_bytes_(data_bytes) {}

NodeProcess::~NodeProcess() = default;

void NodeProcess::start() {
  begin();
  const bool is_attached = memory_ != nullptr;
  say(is_attached ? "starts, and attaches to its segment" : "starts");
  if (!is_attached) {
    id_ = {world().random_id()};
  }
  make_host(is_attached);
  node::Control::Line& line = *this;
  control_ = std::make_unique<node::Control>(
      node::Control::Identity{id_, name(), unix_name(), kHost, {}, life(), "meta"}, hooks(), line);
  joined_ = false;
  backoff_ = kBackoffFirst;
  tick();
  connect();
}

void NodeProcess::make_host(bool is_attached) {
  if (!is_attached) {
    memory_ =
        std::make_shared<SegmentMemory>(data_bytes_, base::SegmentId{world().random_id()}, id_);
    oracle_.segment_made(memory_);
  }
  node::SegmentHost::Options options;
  options.data_bytes = data_bytes_;
  options.node = id_;
  options.report_slots = plan_.report_slots;
  options.faults.frees_granted = plan_.fault == Fault::kFreesGranted;
  options.faults.retires_any_generation = plan_.fault == Fault::kRetiresAnyGeneration;
  host_ = node::SegmentHost::over(
      options, {memory_->view, is_attached, plan_.lasting,
                [memory = memory_.get()](std::uint32_t user) { return memory->lives(user); }});
}

// A killed process marks nothing, neither now nor when the last copy that it makes lets go of the
// host: what the destructor does where memory does not last is undone.
void NodeProcess::drop_host(bool tells) {
  if (!tells) {
    host_->keep();
  }
  host_.reset();
  if (!tells) {
    memory_->view.header().live.store(1);
  }
}

void NodeProcess::crash() {
  say("is killed");
  network_.process_ended(*this);
  end();
  connection_.reset();
  out_.clear();
  control_.reset();
  drop_host(false);
  if (!plan_.lasting) {
    oracle_.segment_lost(memory_->view.id());
    memory_.reset();
  }
}

void NodeProcess::lose_memory() {
  if (runs()) {
    crash();
  }
  if (memory_ != nullptr) {
    say("has lost its memory");
    // Whoever removes a segment, or starts afresh over it, marks it.
    memory_->view.header().live.store(0);
    oracle_.segment_lost(memory_->view.id());
    memory_.reset();
  }
}

Result<void> NodeProcess::replace_segment() {
  say("replaces its segment by an empty one");
  if (plan_.lasting && plan_.forget_after_ms > 60'000) {
    world().violated(name(), " has been forgotten, although its memory lasts");
  }
  drop_host(true);
  oracle_.segment_lost(memory_->view.id());
  make_host(false);
  return {};
}

node::Control::Hooks NodeProcess::hooks() {
  node::Control::Hooks hooks;
  hooks.segment = [this] { return host_; };
  hooks.replace_segment = [this] { return replace_segment(); };
  hooks.counters = [] { return protocol::NodeBeat{}; };
  hooks.on_event = [this](const std::string& text) { say(text); };
  hooks.on_ready = [] {};
  hooks.on_copy = [this](const protocol::Copy& order) {
    say("copies from segment ", order.from_segment.value % 1000, " slot ", order.from_slot,
        " to slot ", order.slot, " generation ", order.generation);
    std::make_shared<CopyWork>(*this, order, host_, find_source,
                               [this](const protocol::Copied& copied) { control_->copied(copied); })
        ->start();
  };
  hooks.on_drained = [] {};
  hooks.on_refused = [this](const Error& error) {
    say("is refused by meta: ", error.message);
    after(0, [this] {
      crash();
      on_refused();
    });
  };
  return hooks;
}

void NodeProcess::tick() {
  control_->tick(world().now_ms());
  after(kPoll, [this] { tick(); });
}

void NodeProcess::connect() {
  network_.connect(
      *this, meta_, [this](auto connection) { meta_.accept(std::move(connection)); },
      [this](std::shared_ptr<Connection> connection) {
        control_->looked_for_meta(world().now_ms());
        if (connection == nullptr) {
          return retry();
        }
        connection_ = connection;
        Handlers handlers;
        handlers.on_frame = [this](const rpc::Frame& frame) {
          tell(frame);
          control_->handle(frame, world().now_ms());
        };
        handlers.on_close = [this] {
          say("has lost meta");
          connection_.reset();
          joined_ = false;
          control_->disconnected();
          retry();
        };
        connection->listen(0, std::move(handlers));
        control_->connected(base::cat(name(), ":1"));
        after(kAnswerTime, [this, asked = connection] {
          if (!control_->has_session() && connection_ == asked) {
            close();
          }
        });
      });
}

// For the trace: which slots meta wants back.
void NodeProcess::tell(const rpc::Frame& frame) const {
  protocol::Reclaim message;
  if (!world().is_traced() ||
      frame.header.method != static_cast<std::uint16_t>(protocol::Method::kReclaim) ||
      !rpc::decode(frame.payload, message)) {
    return;
  }
  for (const protocol::ReclaimItem& item : message.items) {
    say("is to give back slot ", item.slot, " generation ", item.generation, " of segment ",
        message.segment.value % 1000);
  }
}

void NodeProcess::retry() {
  after(backoff_ / 2 + world().below(backoff_ / 2 + 1), [this] { connect(); });
  backoff_ = std::min(backoff_ * 2, kBackoffMax);
}

void NodeProcess::appended() {
  connection_->send(0, {out_.data(), out_.size()});
  out_.clear();
}

void NodeProcess::close() {
  connection_->close(0);
  connection_.reset();
  joined_ = false;
  retry();
}

void NodeProcess::on_joined() {
  joined_ = true;
  backoff_ = kBackoffFirst;
}

void NodeProcess::step_soon() {
  after(world().below(3000), [this] { control_->step(world().now_ms()); });
}

NodeProcess::HandedOut NodeProcess::hand_out() {
  HandedOut out{memory_, host_->take_user(), std::make_shared<UserLock>()};
  if (out.user < pool::kUsersMax) {
    memory_->users[out.user] = out.lock;
  }
  return out;
}

}  // namespace aquifer::sim
