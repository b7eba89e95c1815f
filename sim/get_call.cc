#include "sim/get_call.h"

#include "pool/object.h"

namespace aquifer::sim {

using pool::SlotState;
using protocol::Method;

GetCall::GetCall(ClientProcess& client, std::uint32_t key, Micros deadline)
    : Call(client, key, deadline) {}

void GetCall::start() {
  say("get");
  find_handle();
}

void GetCall::find_handle() {
  if (handle_ == nullptr && !fresh_ && tried_ == 0) {
    handle_ = client_.cache().find(kSpace, name_);
    from_cache_ = handle_ != nullptr;
    if (from_cache_) {
      client_.note_use(handle_->put);
    }
  }
  handle_ == nullptr ? look_up() : next([this] { read_replica(); });
}

void GetCall::look_up() {
  ask(Method::kLookup, protocol::Lookup{kSpace, true, {name_}},
      [this](const Answer& answer) { on_found(answer); });
}

void GetCall::on_found(const Answer& answer) {
  protocol::Handles reply;
  if (answer.status != Status::kOk) {
    return done(answer.status);
  }
  AQ_CHECK(rpc::decode(answer.payload, reply) && reply.items.size() == 1);
  if (reply.items[0].status != Status::kOk) {
    say("meta says ", aquifer::name_of(reply.items[0].status));
    client_.cache().drop(kSpace, name_, nullptr);
    return done(reply.items[0].status);
  }
  handle_ = client::Handle::of(reply.items[0]);
  AQ_CHECK(handle_ != nullptr);
  client_.cache().put(kSpace, name_, handle_);
  tried_ = 0;
  next([this] { read_replica(); });
}

void GetCall::read_replica() {
  std::size_t replica = 0;
  while ((tried_ >> replica & 1) != 0) {
    ++replica;
  }
  tried_ |= 1u << replica;
  transfer_ = {};
  transfer_.key = name_;
  transfer_.put = handle_->put;
  transfer_.value_bytes = handle_->value_bytes;
  transfer_.place = handle_->replicas[replica];
  value_.assign(handle_->value_bytes, std::byte{0});
  client_.map(transfer_.place, deadline_,
              [this, self = shared_from_this()](std::shared_ptr<Mapped> mapped) {
                transfer_.mapped = std::move(mapped);
                if (transfer_.mapped == nullptr) {
                  transfer_.fail(is_late() ? Outcome::kTimeout : Outcome::kUnreachable);
                  return next([this] { judge(); });
                }
                next([this] { look(); });
              });
}

// The node says that it lives, and is a member.
bool GetCall::is_kept() const {
  const std::uint64_t beat = transfer_.mapped->memory->view.header().heartbeat_ms.load();
  return world().now_ms() < beat + static_cast<std::uint64_t>(pool::kHeartbeatLease.count());
}

void GetCall::look() {
  const bool remembered = from_cache_ && !fresh_;
  const bool looks = client_.plan().fault != Fault::kReadsAnyGeneration;
  if ((remembered && !is_kept()) || (looks && !transfer_.slot_is(SlotState::kSealed))) {
    transfer_.fail(Outcome::kStale);
    return judge();
  }
  transfer_.read_header();
  next([this] { read_page(0); });
}

void GetCall::read_page(std::uint64_t page) {
  if (transfer_.failed() || page == pool::page_count(transfer_.value_bytes)) {
    return look_again();
  }
  if (is_late()) {
    transfer_.fail(Outcome::kTimeout);
  } else {
    transfer_.read_page(page, value_);
  }
  next([this, page] { read_page(page + 1); });
}

void GetCall::look_again() {
  const bool looks = client_.plan().fault != Fault::kReadsAnyGeneration;
  const Outcome outcome = transfer_.outcome;
  if ((outcome == Outcome::kDone || outcome == Outcome::kDamaged) && looks &&
      !transfer_.slot_is(SlotState::kSealed)) {
    transfer_.outcome = Outcome::kStale;
  }
  judge();
}

void GetCall::judge() {
  const auto& place = transfer_.place;
  if (transfer_.failed()) {
    say("cannot read slot ", place.slot, " generation ", place.generation, " of segment ",
        place.segment.value % 1000);
  }
  switch (transfer_.outcome) {
    case Outcome::kDone:
      client_.oracle().get_delivers(key_, begun_, transfer_.put, value_);
      return done(Status::kOk);
    case Outcome::kTimeout:
      return done(Status::kTimeout);
    case Outcome::kStale:
      failure_ = Status::kNotFound;
      if (fresh_) {
        client_.note_suspect({place.segment, place.slot, place.generation});
      }
      break;
    case Outcome::kUnreachable:
      failure_ = Status::kUnreachable;
      break;
    case Outcome::kDamaged:
      if (client_.plan().fault != Fault::kReadsAnyGeneration) {
        client_.oracle().found_damaged(key_, transfer_.where());
      }
      break;
  }
  client_.cache().drop(kSpace, name_, handle_.get());
  if (is_late()) {
    return done(Status::kTimeout);
  }
  if (tried_ + 1 != 1u << handle_->replicas.size()) {
    return next([this] { read_replica(); });
  }
  if (fresh_) {
    return done(failure_);
  }
  fresh_ = true;
  handle_ = nullptr;
  tried_ = 0;
  find_handle();
}

void GetCall::done(Status status) {
  say("get ends: ", name_of(status));
  if (on_status) {
    on_status(status);
  }
  end();
}

}  // namespace aquifer::sim
