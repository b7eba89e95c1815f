#include "sim/put_call.h"

#include <algorithm>

#include "pool/object.h"

namespace aquifer::sim {

using protocol::Method;

namespace {

constexpr int kWriteTries = 3;

}  // namespace

PutCall::PutCall(ClientProcess& client, const PutWish& wish, Micros deadline)
    : Call(client, wish.key, deadline),
      wish_(wish),
      number_(client.oracle().put_begins(wish.key, wish.bytes, wish.mode)),
      value_(content_of({wish.key, number_}, wish.bytes)) {}

void PutCall::start() {
  say("put ", number_, " of ", wish_.bytes, " bytes",
      wish_.mode == PutMode::kReplace    ? ", replacing"
      : wish_.mode == PutMode::kIfAbsent ? ", if absent"
                                         : "",
      wish_.replicas > 1 ? ", two replicas" : "");
  start_round();
}

void PutCall::start_round() {
  protocol::PutStart request;
  request.ticket = client_.next_ticket();
  request.name_space = kSpace;
  request.timeout_ms = static_cast<std::uint32_t>(std::max<std::uint64_t>(left_ms() * 9 / 10, 1));
  request.replicas = wish_.replicas;
  request.mode = wish_.mode;
  request.items.push_back({name_, wish_.bytes, {}});
  ask(Method::kPutStart, request,
      [this, ticket = request.ticket](const Answer& answer) { on_started(ticket, answer); });
}

void PutCall::on_started(std::uint64_t ticket, const Answer& answer) {
  if (answer.status != Status::kOk) {
    if (answer.sent) {
      client_.give_up({{}, {ticket}, 0});
    }
    if (answer.sent && answer.status == Status::kUnreachable && !is_late() && !restarted_) {
      restarted_ = true;  // the connection broke: as another start, for the first may have come
      return start_round();
    }
    return end_round(answer.status, false);
  }
  client_.pay_owed();
  protocol::Handles reply;
  AQ_CHECK(rpc::decode(answer.payload, reply) && reply.items.size() == 1);
  const auto handle =
      reply.items[0].status == Status::kOk ? client::Handle::of(reply.items[0]) : nullptr;
  if (handle == nullptr) {
    return end_round(reply.items[0].status, false);
  }
  put_ = handle->put;
  started_in_ = client_.meta_life();
  client_.oracle().put_got(number_, put_);
  replicas_.clear();
  failure_ = Status::kOk;
  for (const client::ReplicaPlace& place : handle->replicas) {
    Transfer& transfer = replicas_.emplace_back();
    transfer.key = name_;
    transfer.put = put_;
    transfer.value_bytes = wish_.bytes;
    transfer.replicas = static_cast<std::uint16_t>(handle->replicas.size());
    transfer.place = place;
    transfer.page_digests.resize(pool::page_count(wish_.bytes));
    say("put ", number_, " is given slot ", place.slot, " generation ", place.generation,
        " of segment ", place.segment.value % 1000);
  }
  next([this] { route(0); });
}

std::size_t PutCall::good(std::size_t replica) const {
  while (replica < replicas_.size() && replicas_[replica].failed()) {
    ++replica;
  }
  return replica;
}

std::size_t PutCall::held(std::size_t replica) const {
  while (replica < replicas_.size() &&
         (replicas_[replica].failed() || !replicas_[replica].is_held)) {
    ++replica;
  }
  return replica;
}

void PutCall::route(std::size_t replica) {
  if (replica == replicas_.size()) {
    return enter(good(0));
  }
  client_.map(replicas_[replica].place, deadline_,
              [this, self = shared_from_this(), replica](std::shared_ptr<Mapped> mapped) {
                Transfer& transfer = replicas_[replica];
                transfer.mapped = std::move(mapped);
                if (transfer.mapped == nullptr || !transfer.mapped->uses.usable()) {
                  transfer.fail(is_late() ? Outcome::kTimeout : Outcome::kUnreachable);
                }
                next([this, replica] { route(replica + 1); });
              });
}

void PutCall::enter(std::size_t replica) {
  if (replica == replicas_.size()) {
    return describe(held(0));
  }
  replicas_[replica].enter();
  next([this, replica] { enter(good(replica + 1)); });
}

// What it is about to touch is its own.
void PutCall::touch(const Transfer& transfer) {
  client_.oracle().put_writes(number_, transfer.where());
  client_.on_moment();
}

void PutCall::describe(std::size_t replica) {
  if (replica == replicas_.size()) {
    return write(held(0), 0);
  }
  touch(replicas_[replica]);
  replicas_[replica].describe();
  next([this, replica] { describe(held(replica + 1)); });
}

void PutCall::write(std::size_t replica, std::uint64_t page) {
  if (replica == replicas_.size()) {
    leave_all();
    client_.on_moment();
    if (client_.plan().fault == Fault::kAcknowledgesUnsealed) {
      for (Transfer& transfer : replicas_) {
        transfer.make_header();
      }
      return conclude();
    }
    return next([this] { enter_to_seal(good(0)); });
  }
  Transfer& transfer = replicas_[replica];
  if (is_late()) {
    transfer.fail(Outcome::kTimeout);
  } else {
    touch(transfer);
    transfer.write_page(page, value_);
  }
  const bool more = !transfer.failed() && page + 1 < transfer.page_digests.size();
  next([this, replica, page, more] {
    more ? write(replica, page + 1) : write(held(replica + 1), 0);
  });
}

void PutCall::leave_all() {
  for (Transfer& transfer : replicas_) {
    transfer.leave();
  }
}

void PutCall::enter_to_seal(std::size_t replica) {
  if (replica == replicas_.size()) {
    return make_header(held(0));
  }
  replicas_[replica].enter();
  next([this, replica] { enter_to_seal(good(replica + 1)); });
}

void PutCall::make_header(std::size_t replica) {
  if (replica == replicas_.size()) {
    leave_all();
    client_.on_moment();
    return conclude();
  }
  Transfer& transfer = replicas_[replica];
  transfer.make_header();
  touch(transfer);
  transfer.describe();
  next([this, replica] { write_header(replica); });
}

void PutCall::write_header(std::size_t replica) {
  touch(replicas_[replica]);
  replicas_[replica].write_header();
  next([this, replica] { seal(replica); });
}

void PutCall::seal(std::size_t replica) {
  touch(replicas_[replica]);
  replicas_[replica].seal(client_.plan().fault);
  has_sealed_ = has_sealed_ || !replicas_[replica].failed();
  say("put ", number_, replicas_[replica].failed() ? " cannot seal slot " : " seals slot ",
      replicas_[replica].place.slot, " generation ", replicas_[replica].place.generation);
  next([this, replica] { make_header(held(replica + 1)); });
}

Status PutCall::failure_of_replicas() const {
  Status found = Status::kOk;
  for (const Transfer& transfer : replicas_) {
    switch (transfer.outcome) {
      case Outcome::kDone:
        break;
      case Outcome::kStale:
        found = Status::kCancelled;
        break;
      case Outcome::kDamaged:
        found = Status::kIntegrity;
        break;
      case Outcome::kUnreachable:
        found = Status::kUnreachable;
        break;
      case Outcome::kTimeout:
        found = Status::kTimeout;
        break;
    }
  }
  return found;
}

void PutCall::conclude() {
  if (acknowledged_) {
    return end();
  }
  failure_ = failure_of_replicas();
  if (is_late() && failure_ == Status::kOk) {
    failure_ = Status::kTimeout;  // no commit follows a deadline
  }
  commit_was_sent_ = false;
  finish();
}

void PutCall::finish() {
  protocol::PutFinish request;
  request.timeout_ms = static_cast<std::uint32_t>(std::max<std::uint64_t>(left_ms() * 8 / 10, 1));
  protocol::PutFinishItem item{put_, failure_ == Status::kOk, {}};
  for (const Transfer& transfer : replicas_) {
    item.header_digests.push_back(transfer.header_digest);
  }
  request.items.push_back(std::move(item));
  if (failure_ != Status::kOk) {
    client_.give_up(std::move(request));
    return end_round(failure_, true);
  }
  ask(Method::kPutFinish, request, [this, request](const Answer& answer) {
    commit_was_sent_ = commit_was_sent_ || answer.sent;
    protocol::Statuses reply;
    const bool answered = answer.status == Status::kOk && rpc::decode(answer.payload, reply);
    const bool not_yet =
        answered ? reply.items.at(0) == Status::kRecovering : answer.status == Status::kUnreachable;
    if (not_yet && !is_late()) {
      client_.after(std::min(ms(10), deadline_ - world().now()),
                    [this, self = shared_from_this()] { finish(); });
      return;
    }
    if (!answered) {
      client_.give_up(request);
    }
    on_finished(answer);
  });
}

void PutCall::on_finished(const Answer& answer) {
  protocol::Statuses reply;
  if (answer.status != Status::kOk || !rpc::decode(answer.payload, reply)) {
    return end_round(commit_was_sent_ ? Status::kUnknown : Status::kTimeout, true);
  }
  const Status status = reply.items.at(0);
  if (status == Status::kOk || status == Status::kPending) {
    auto handle = std::make_shared<client::Handle>();
    handle->put = put_;
    handle->value_bytes = wish_.bytes;
    for (const Transfer& transfer : replicas_) {
      handle->replicas.push_back(transfer.place);
      handle->replicas.back().header_digest = transfer.header_digest;
    }
    client_.cache().put(kSpace, name_, std::move(handle));
  }
  end_round(status == Status::kRecovering ? Status::kUnknown : status, true);
}

void PutCall::end_round(Status status, bool started) {
  const bool again = started && ++failures_ < kWriteTries;
  const bool failed_write = status == Status::kUnreachable || status == Status::kIntegrity;
  if (again && failed_write && !is_late()) {
    return start_round();
  }
  done(status);
}

// What has been sealed may be found by a meta that restarts before it hears that it was given up.
void PutCall::done(Status status) {
  const bool gave_up =
      status == Status::kTimeout || status == Status::kCancelled || status == Status::kUnreachable;
  if (has_sealed_ && gave_up) {
    status = Status::kUnknown;
  }
  say("put ", number_, " ends: ", name_of(status));
  client_.oracle().put_ends(number_, status, client_.meta_life() != started_in_);
  if (client_.plan().fault == Fault::kAcknowledgesUnsealed && status == Status::kOk) {
    acknowledged_ = true;
    return next([this] { enter_to_seal(good(0)); });
  }
  end();
}

}  // namespace aquifer::sim
