#include "sim/small_calls.h"

#include <algorithm>

#include "pool/object.h"

namespace aquifer::sim {

using client::SlotUses;
using protocol::Method;

void RemoveCall::start() {
  say("remove");
  client_.cache().drop(kSpace, name_, nullptr);
  number_ = client_.oracle().remove_begins(key_);
  const auto timeout = static_cast<std::uint32_t>(std::max<std::uint64_t>(left_ms() * 8 / 10, 1));
  ask(Method::kRemove, protocol::Remove{kSpace, timeout, {name_}}, [this](const Answer& answer) {
    protocol::Statuses reply;
    const bool answered = answer.status == Status::kOk && rpc::decode(answer.payload, reply);
    done(answered ? reply.items.at(0) : answer.status);
  });
}

void RemoveCall::done(Status status) {
  say("remove ends: ", name_of(status));
  client_.oracle().remove_ends(number_, status, client_.meta_life());
  if (on_status) {
    on_status(status);
  }
  end();
}

void PinCall::start() {
  const std::uint64_t ttl = world().chance(0.3) ? 0 : world().between(1, 2000);
  ask(Method::kPin, protocol::Pin{kSpace, ttl, {name_}}, [this](const Answer&) { end(); });
}

void ViewCall::start() {
  ask(Method::kLookup, protocol::Lookup{kSpace, true, {name_}}, [this](const Answer& answer) {
    protocol::Handles reply;
    if (answer.status != Status::kOk || !rpc::decode(answer.payload, reply) ||
        reply.items.at(0).status != Status::kOk) {
      return end();
    }
    const auto handle = client::Handle::of(reply.items[0]);
    transfer_.key = name_;
    transfer_.put = handle->put;
    transfer_.value_bytes = handle->value_bytes;
    transfer_.place = handle->replicas[0];
    client_.map(transfer_.place, deadline_,
                [this, self = shared_from_this()](std::shared_ptr<Mapped> mapped) {
                  transfer_.mapped = std::move(mapped);
                  if (transfer_.mapped == nullptr || !transfer_.mapped->uses.usable()) {
                    return end();
                  }
                  next([this] { enter(); });
                });
  });
}

void ViewCall::enter() {
  if (!transfer_.mapped->uses.enter(transfer_.place.slot, transfer_.place.generation,
                                    SlotUses::Kind::kView)) {
    return end();
  }
  next([this] { look(3); });
}

// As long as it is held, the bytes are the object's, whatever becomes of the object.
void ViewCall::look(unsigned again) {
  std::vector<std::byte> value(transfer_.value_bytes);
  transfer_.read_header();
  for (std::uint64_t page = 0; !transfer_.failed() && page < pool::page_count(value.size());
       ++page) {
    transfer_.read_page(page, value);
  }
  if (transfer_.failed()) {
    client_.oracle().found_damaged(key_, transfer_.where());
  }
  if (again == 0 || is_late()) {
    return leave();
  }
  const Micros left = deadline_ - world().now();
  client_.after(
      std::min(world().between(1, ms(20)), left),
      [this, self = shared_from_this(), again] { next([this, again] { look(again - 1); }); });
}

void ViewCall::leave() {
  transfer_.mapped->uses.leave(transfer_.place.slot, SlotUses::Kind::kView);
  end();
}

}  // namespace aquifer::sim
