// User pins: objects that the policy does not see until their time is over.
#include <algorithm>

#include "meta/state_machine.h"

namespace aquifer::meta {

using protocol::Method;

void StateMachine::pin(SessionId session, std::uint64_t request, const protocol::Pin& pin,
                       Time now) {
  if (pin.keys.size() > Limits::kBatchKeys) {
    return refuse_batch(session, Method::kPin, request);
  }
  constexpr auto kTtlMax = std::chrono::duration_cast<Time>(Limits::kPinTtl);
  const Time until = now + std::min(Time(std::min<std::uint64_t>(pin.ttl_ms, INT64_MAX)), kTtlMax);
  protocol::Statuses statuses;
  statuses.items.reserve(pin.keys.size());
  for (const std::string_view key : pin.keys) {
    const ObjectIndex object = directory_.find(hasher_(pin.name_space, key));
    if (object == kNone) {
      statuses.items.push_back(Status::kNotFound);
    } else if (pin.ttl_ms == 0) {
      unpin(object, now);
      statuses.items.push_back(Status::kOk);
    } else {
      statuses.items.push_back(pin_object(object, until));
    }
  }
  calls_.count(CallKind::kPin, pin.keys.size(),
               std::ranges::any_of(statuses.items, [](Status s) { return s != Status::kOk; }));
  reply(session, Method::kPin, request, statuses);
}

Status StateMachine::pin_object(ObjectIndex object, Time until) {
  if (!directory_.replica(object).pinned) {
    for (ReplicaIndex at = object; at != kNone; at = directory_.replica(at).next) {
      const ReplicaRecord& replica = directory_.replica(at);
      const Segment& segment = *segments_.get(replica.segment);
      const auto pinned = static_cast<double>(segment.pinned_units + replica.extents.units());
      if (pinned > static_cast<double>(segment.capacity_units) * options_.pinned_share_max) {
        return Status::kBusy;
      }
    }
    directory_.pin(object);
    count_pinned(object, true);
  }
  pinned_until_[directory_.replica(object).hash] = until;
  return Status::kOk;
}

void StateMachine::unpin(ObjectIndex object, Time now) {
  if (directory_.replica(object).pinned) {
    count_pinned(object, false);
    directory_.unpin(object, now);
  }
}

// Keeps the books when an object becomes pinned, or ceases to be (or to be there). Nothing for one
// that is not pinned.
void StateMachine::count_pinned(ObjectIndex object, bool pinned) {
  if (!directory_.replica(object).pinned) {
    return;
  }
  for (ReplicaIndex at = object; at != kNone; at = directory_.replica(at).next) {
    const ReplicaRecord& replica = directory_.replica(at);
    Segment& segment = *segments_.get(replica.segment);
    const std::uint64_t units = replica.extents.units();
    segment.pinned_units = pinned ? segment.pinned_units + units : segment.pinned_units - units;
  }
  if (!pinned) {
    pinned_until_.erase(directory_.replica(object).hash);
  }
}

void StateMachine::expire_pins(Time now) {
  std::vector<ObjectIndex> over;
  for (auto at = pinned_until_.begin(); at != pinned_until_.end();) {
    const ObjectIndex object = directory_.find(at->first);
    if (object == kNone || !directory_.replica(object).pinned) {
      at = pinned_until_.erase(at);  // it went with its segment
      continue;
    }
    if (at->second <= now) {
      over.push_back(object);
    }
    ++at;
  }
  for (const ObjectIndex object : over) {
    unpin(object, now);
  }
}

}  // namespace aquifer::meta
