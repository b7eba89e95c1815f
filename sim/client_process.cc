#include "sim/client_process.h"

#include <algorithm>
#include <utility>

namespace aquifer::sim {

using protocol::Method;

namespace {

constexpr Micros kStepMax = 60;
constexpr Micros kMapAgain = ms(500);
constexpr Micros kReportEvery = ms(200);
constexpr std::size_t kHandlesMax = 64;
constexpr Micros kLateMax = ms(5);  // a step in hand, and the word that a put is given up

}  // namespace

Call::Call(ClientProcess& client, std::uint32_t key, Micros deadline)
    : client_(client),
      key_(key),
      name_(key_name(key)),
      deadline_(client.world().now() + deadline),
      begun_(client.world().step()),
      stopped_before_(client.stopped_for()) {}

World& Call::world() const { return client_.world(); }

bool Call::is_late() const { return world().now() >= deadline_; }

std::uint64_t Call::left_ms() const { return is_late() ? 0 : (deadline_ - world().now()) / 1000; }

void Call::next(std::function<void()> step) {
  Micros delay = world().between(1, kStepMax);
  if (!client_.is_calm && world().chance(client_.plan().preempted)) {
    const Micros still = world().between(1, ms(world().chance(0.3) ? 3000 : 60));
    say("its thread stands still");
    excused_ += still;
    delay += still;
  }
  guard(delay, std::move(step));
}

void Call::guard(Micros delay, std::function<void()> step) {
  client_.after(delay, [self = shared_from_this(), step = std::move(step)] {
    if (self->ended_) {
      self->world().violated(self->client_.name(), ": a call on ", self->name_,
                             " goes on after it has returned");
    }
    step();
  });
}

void Call::end() {
  const Micros stopped = client_.stopped_for() - stopped_before_;
  if (world().now() > deadline_ + excused_ + stopped + kLateMax) {
    world().violated(client_.name(), ": a call on ", name_, " ends ",
                     (world().now() - deadline_) / 1000, " ms after its deadline");
  }
  ended_ = true;
  client_.report_soon();
  const auto told = std::exchange(on_end, {});
  told();
}

ClientProcess::ClientProcess(World& world, Network& network, Oracle& oracle, MetaProcess& meta,
                             const Plan& plan, unsigned number, FindNode find_node)
    : Process(world, base::cat("client-", number)),
      network_(network),
      oracle_(oracle),
      meta_(meta),
      plan_(plan),
      find_node_(std::move(find_node)) {}

void ClientProcess::start() {
  begin();
  say("starts");
  id_ = {world().random_id()};
  cache_ = std::make_unique<client::HandleCache>(kHandlesMax);
  reported_ = 0;
  epoch_ = 0;
}

void ClientProcess::crash() {
  say("is killed");
  network_.process_ended(*this);
  end();
  connection_.reset();
  connecting_ = false;
  greeting_ = 0;
  waiting_.clear();
  calls_.clear();
  mapped_.clear();  // with the locks
  no_map_before_.clear();
  cache_.reset();
  report_ = {};
  owed_ = {};
}

void ClientProcess::begin_call(std::shared_ptr<Call> call, std::function<void()> on_end) {
  Call* const begun = call.get();
  calls_.push_back(std::move(call));
  begun->on_end = [this, begun, on_end = std::move(on_end)] {
    after(0, on_end);
    std::erase_if(calls_, [&](const auto& one) { return one.get() == begun; });
  };
  begun->start();
}

void ClientProcess::exchange(std::uint64_t id, std::string_view frame, Micros deadline, Then then) {
  waiting_.emplace(id, Waiting{std::move(then), std::string(frame), false});
  const Micros left = deadline > world().now() ? deadline - world().now() : 0;
  after(left, [this, id] { complete(id, Status::kTimeout, {}); });
  if (connection_ == nullptr || greeting_ != 0) {
    return connect();
  }
  waiting_.at(id).sent = true;
  connection_->send(0, frame);
}

bool ClientProcess::post(std::string_view frame) {
  if (connection_ == nullptr || greeting_ != 0) {
    return false;
  }
  connection_->send(0, frame);
  return true;
}

void ClientProcess::complete(std::uint64_t id, Status status, std::string_view payload) {
  const auto found = waiting_.find(id);
  if (found == waiting_.end()) {
    return;  // its caller gave up: the answer is dropped
  }
  const Waiting waiting = std::move(found->second);
  waiting_.erase(found);
  waiting.then({status, waiting.sent, std::string(payload)});
}

void ClientProcess::connect() {
  if (std::exchange(connecting_, true)) {
    return;
  }
  network_.connect(
      *this, meta_, [this](auto connection) { meta_.accept(std::move(connection)); },
      [this](auto connection) { connected(std::move(connection)); });
}

void ClientProcess::connected(std::shared_ptr<Connection> connection) {
  if (connection == nullptr) {
    connecting_ = false;
    return fail_all();
  }
  connection_ = std::move(connection);
  meta_life_ = meta_.life();
  Handlers handlers;
  handlers.on_frame = [this](const rpc::Frame& frame) { on_frame(frame); };
  handlers.on_close = [this] {
    connection_.reset();
    connecting_ = false;
    greeting_ = 0;
    fail_all();
  };
  connection_->listen(0, std::move(handlers));
  greeting_ = ++last_request_;
  rpc::Buffer frame;
  append(frame, Method::kClientHello, greeting_, protocol::ClientHello{id_, life(), epoch_});
  connection_->send(0, {frame.data(), frame.size()});
}

void ClientProcess::on_frame(const rpc::Frame& frame) {
  if (frame.header.id != greeting_ || greeting_ == 0) {
    return complete(frame.header.id, static_cast<Status>(frame.header.status), frame.payload);
  }
  greeting_ = 0;
  connecting_ = false;
  if (protocol::ClientWelcome welcome; rpc::decode(frame.payload, welcome)) {
    epoch_ = welcome.epoch;
  }
  for (auto& [id, waiting] : waiting_) {
    waiting.sent = true;
    connection_->send(0, waiting.frame);
  }
}

void ClientProcess::fail_all() {
  std::vector<std::uint64_t> ids;
  for (const auto& [id, waiting] : waiting_) {
    ids.push_back(id);
  }
  for (const std::uint64_t id : ids) {
    complete(id, Status::kUnreachable, {});
  }
}

// Tells meta that puts are given up, now or with the next chance.
void ClientProcess::give_up(protocol::PutFinish finish) {
  if (post(Method::kPutFinish, finish)) {
    return;
  }
  for (protocol::PutFinishItem& item : finish.items) {
    item.commit = false;
    owed_.items.push_back(item);
  }
  owed_.abandoned.insert(owed_.abandoned.end(), finish.abandoned.begin(), finish.abandoned.end());
}

void ClientProcess::pay_owed() {
  protocol::PutFinish owed = std::exchange(owed_, {});
  if (!owed.items.empty() || !owed.abandoned.empty()) {
    give_up(std::move(owed));
  }
}

void ClientProcess::report_soon() {
  const bool nothing = report_.uses.empty() && report_.suspects.empty();
  if (nothing || world().now() - reported_ < kReportEvery) {
    return;
  }
  reported_ = world().now();
  post(Method::kReport, std::exchange(report_, {}));
}

// As Peer::segment; a node that does not run refuses, one that is stopped does not answer.
void ClientProcess::map(const client::ReplicaPlace& place, Micros deadline,
                        std::function<void(std::shared_ptr<Mapped>)> then) {
  const auto known = mapped_.find(place.node);
  if (known != mapped_.end() && known->second->memory->view.id() == place.segment) {
    return then(known->second);
  }
  NodeProcess* const node = find_node_(place.node);
  if (node == nullptr || !node->runs() || world().now() < no_map_before_[place.node]) {
    return then(nullptr);
  }
  struct Request {
    bool is_answered = false;
  };
  const auto request = std::make_shared<Request>();
  const auto answer = [this, request, place, then](std::shared_ptr<Mapped> mapped) {
    if (std::exchange(request->is_answered, true)) {
      return;
    }
    if (mapped == nullptr || mapped->memory->view.id() != place.segment) {
      no_map_before_[place.node] = world().now() + kMapAgain;
      mapped = nullptr;
    } else {
      mapped_[place.node] = mapped;
    }
    then(mapped);
  };
  node->after(world().between(10, 200), [this, node, answer, life = life()] {
    if (!runs() || this->life() != life) {
      return;
    }
    const auto handed_out = node->hand_out();
    after(world().between(10, 200),
          [handed_out, answer] { answer(std::make_shared<Mapped>(handed_out)); });
  });
  const Micros left = deadline > world().now() ? deadline - world().now() : 0;
  after(left, [answer] { answer(nullptr); });
}

}  // namespace aquifer::sim
