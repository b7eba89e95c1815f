#include "sim/put_call.h"

#include <algorithm>

#include "pool/object.h"

namespace aquifer::sim {

using protocol::Method;

namespace {

constexpr int kWriteTries = 3;

}  // namespace

PutCall::PutCall(ClientProcess& client, const std::vector<PutWish>& wishes, Micros deadline)
    : Call(client, wishes.front().key, deadline) {
  std::vector<std::uint32_t> numbers;
  for (const PutWish& wish : wishes) {
    Object& object = objects_.emplace_back();
    object.wish = wish;
    object.name = key_name(wish.key);
    object.number = client.oracle().put_begins(wish.key, wish.bytes, wish.mode);
    object.value = content_of({wish.key, object.number}, wish.bytes);
    numbers.push_back(object.number);
  }
  if (is_group()) {
    client.oracle().group_begins(std::move(numbers));
  }
}

void PutCall::start() {
  for (const Object& object : objects_) {
    say("put ", object.number, " of ", object.wish.bytes, " bytes",
        object.wish.mode == PutMode::kReplace    ? ", replacing"
        : object.wish.mode == PutMode::kIfAbsent ? ", if absent"
                                                 : "",
        object.wish.replicas > 1 ? ", two replicas" : "", is_group() ? ", of a group" : "");
  }
  start_round();
}

void PutCall::start_round() {
  protocol::PutStart request;
  request.ticket = client_.next_ticket();
  request.name_space = kSpace;
  request.timeout_ms = static_cast<std::uint32_t>(std::max<std::uint64_t>(left_ms() * 9 / 10, 1));
  request.replicas = objects_[0].wish.replicas;
  request.mode = objects_[0].wish.mode;
  request.group = is_group();
  for (const Object& object : objects_) {
    request.items.push_back({object.name, object.wish.bytes, {}});
  }
  ask(Method::kPutStart, request,
      [this, ticket = request.ticket](const Answer& answer) { on_started(ticket, answer); });
}

void PutCall::on_started(std::uint64_t ticket, const Answer& answer) {
  replicas_.clear();
  for (Object& object : objects_) {
    object.put = {};
    object.replicas.clear();
    object.status = answer.status;
  }
  if (answer.status != Status::kOk) {
    if (answer.sent) {
      client_.give_up({{}, {ticket}, 0});
    }
    if (answer.sent && answer.status == Status::kUnreachable && !is_late() && !restarted_) {
      restarted_ = true;  // the connection broke: as another start, for the first may have come
      return start_round();
    }
    return end_round(false);
  }
  client_.pay_owed();
  protocol::Handles reply;
  AQ_CHECK(rpc::decode(answer.payload, reply) && reply.items.size() == objects_.size());
  for (std::size_t i = 0; i < objects_.size(); ++i) {
    Object& object = objects_[i];
    object.status = reply.items[i].status;
    const auto handle =
        reply.items[i].status == Status::kOk ? client::Handle::of(reply.items[i]) : nullptr;
    if (handle == nullptr) {
      continue;
    }
    object.put = handle->put;
    client_.oracle().put_got(object.number, object.put);
    for (const client::ReplicaPlace& place : handle->replicas) {
      object.replicas.push_back(replicas_.size());
      Transfer& transfer = replicas_.emplace_back();
      transfer.key = object.name;
      transfer.put = object.put;
      transfer.value_bytes = object.wish.bytes;
      transfer.source = object.value;
      transfer.number = object.number;
      transfer.replicas = static_cast<std::uint16_t>(handle->replicas.size());
      transfer.place = place;
      transfer.page_digests.resize(pool::page_count(object.wish.bytes));
      say("put ", object.number, " is given slot ", place.slot, " generation ", place.generation,
          " of segment ", place.segment.value % 1000);
    }
  }
  const auto opened = open();
  if (opened.empty()) {
    return end_round(false);
  }
  started_in_ = client_.meta_life();
  for (const Object* object : opened) {
    for (const std::size_t replica : object->replicas) {
      if (opened.size() > 1) {
        replicas_[replica].group = {
            static_cast<std::uint16_t>(object->put.sequence - opened[0]->put.sequence),
            static_cast<std::uint16_t>(opened.size())};
      }
    }
  }
  next([this] { route(0); });
}

std::vector<PutCall::Object*> PutCall::open() {
  std::vector<Object*> opened;
  for (Object& object : objects_) {
    if (object.put) {
      opened.push_back(&object);
    }
  }
  return opened;
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
  client_.oracle().put_writes(transfer.number, transfer.where());
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
    transfer.write_page(page);
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
  say("put ", replicas_[replica].number,
      replicas_[replica].failed() ? " cannot seal slot " : " seals slot ",
      replicas_[replica].place.slot, " generation ", replicas_[replica].place.generation);
  next([this, replica] { make_header(held(replica + 1)); });
}

Status PutCall::failure_of_replicas(const Object& object) const {
  Status found = Status::kOk;
  for (const std::size_t replica : object.replicas) {
    const Status failure = client::failure_of(replicas_[replica].outcome);
    found = failure != Status::kOk ? failure : found;
  }
  return found;
}

bool PutCall::may_be_sealed(const Object& object) const {
  return std::any_of(object.replicas.begin(), object.replicas.end(),
                     [&](std::size_t replica) { return replicas_[replica].is_sealed; });
}

void PutCall::conclude() {
  if (acknowledged_) {
    return end();
  }
  const auto opened = open();
  const bool all = std::all_of(opened.begin(), opened.end(),
                               [&](const Object* object) { return may_be_sealed(*object); });
  const bool group = opened.size() > 1;
  for (Object* object : opened) {
    const auto verdict = client::judge_put(failure_of_replicas(*object), is_late(),
                                           group ? all : may_be_sealed(*object));
    object->status = verdict.failure;
    object->may_be_found = object->may_be_found || verdict.may_be_found;
  }
  const auto is_good = [](const Object* object) { return object->status == Status::kOk; };
  if (group && !std::all_of(opened.begin(), opened.end(), is_good)) {
    for (Object* object : opened) {
      object->status = is_good(object) ? client::falls_with_its_group(all) : object->status;
    }
  }
  finish();
}

void PutCall::finish() {
  protocol::PutFinish request;
  request.timeout_ms = static_cast<std::uint32_t>(std::max<std::uint64_t>(left_ms() * 8 / 10, 1));
  bool commits = false;
  for (const Object* object : open()) {
    protocol::PutFinishItem item{object->put, object->status == Status::kOk, {}};
    for (const std::size_t replica : object->replicas) {
      item.header_digests.push_back(replicas_[replica].header_digest);
    }
    commits = commits || item.commit;
    request.items.push_back(std::move(item));
  }
  request.group = request.items.size() > 1;
  if (!commits) {
    client_.give_up(std::move(request));
    return end_round(true);
  }
  ask(Method::kPutFinish, request, [this, request](const Answer& answer) {
    protocol::Statuses reply;
    const bool answered = answer.status == Status::kOk && rpc::decode(answer.payload, reply);
    const bool not_yet = answered ? std::find(reply.items.begin(), reply.items.end(),
                                              Status::kRecovering) != reply.items.end()
                                  : answer.status == Status::kUnreachable;
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
  const bool answered = answer.status == Status::kOk && rpc::decode(answer.payload, reply);
  const auto opened = open();
  for (std::size_t n = 0; n < opened.size(); ++n) {
    Object& object = *opened[n];
    const Status status = answered ? reply.items.at(n) : Status::kUnknown;
    object.status = status == Status::kRecovering ? Status::kUnknown : status;
    if (status == Status::kOk || status == Status::kPending) {
      auto handle = std::make_shared<client::Handle>();
      handle->put = object.put;
      handle->value_bytes = object.wish.bytes;
      for (const std::size_t replica : object.replicas) {
        handle->replicas.push_back(replicas_[replica].place);
        handle->replicas.back().header_digest = replicas_[replica].header_digest;
      }
      client_.cache().put(kSpace, object.name, std::move(handle));
    }
  }
  end_round(true);
}

void PutCall::end_round(bool started) {
  const auto any = [&](auto is) {
    return std::any_of(objects_.begin(), objects_.end(),
                       [&](const Object& object) { return is(object.status); });
  };
  const bool again = started && any(client::is_tried_again) && ++failures_ < kWriteTries;
  if (again && !is_late()) {
    return start_round();
  }
  const bool found = std::any_of(objects_.begin(), objects_.end(),
                                 [](const Object& object) { return object.may_be_found; });
  for (Object& object : objects_) {
    object.status = client::end_of_tries(object.status, found);
  }
  done();
}

void PutCall::done() {
  bool acknowledged = false;
  for (const Object& object : objects_) {
    say("put ", object.number, " ends: ", name_of(object.status));
    client_.oracle().put_ends(object.number, object.status, client_.meta_life() != started_in_);
    acknowledged = acknowledged || object.status == Status::kOk;
  }
  if (client_.plan().fault == Fault::kAcknowledgesUnsealed && acknowledged) {
    acknowledged_ = true;
    return next([this] { enter_to_seal(good(0)); });
  }
  end();
}

}  // namespace aquifer::sim
