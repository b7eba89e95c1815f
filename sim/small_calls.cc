#include "sim/small_calls.h"

#include <algorithm>

namespace aquifer::sim {

void RemoveCall::make() {
  say("remove");
  const std::size_t number = oracle().remove_begins(key_);
  const std::string_view key = name_;
  const Status status = session().remove({&key, 1}, begin()).front();
  say("remove ends: ", name_of(status));
  oracle().remove_ends(number, status, answered_by_);
  if (on_status) {
    on_status(status);
  }
}

void PinCall::make() {
  const std::uint64_t ttl = world().chance(0.3) ? 0 : world().between(1, 2000);
  const std::string_view key = name_;
  session().pin({&key, 1}, std::chrono::milliseconds(ttl), begin());
}

void FindCall::make() {
  std::vector<std::string> names;
  for (const std::uint32_t key : keys_) {
    names.push_back(key_name(key));
  }
  const std::vector<std::string_view> keys(names.begin(), names.end());
  if (world().chance(0.5)) {
    session().match_prefix(keys, begin());
  } else {
    session().locate(keys, world().chance(0.5), begin());
  }
}

void ViewCall::on_read(const client::Transfer& transfer) {
  put_ = transfer.put;
  place_ = {transfer.place.segment, transfer.place.slot, transfer.place.generation};
}

// As long as it is held, the bytes are the object's, whatever becomes of the object.
void ViewCall::make() {
  say("view");
  const std::string_view key = name_;
  auto viewed = std::move(session().views({&key, 1}, begin()).front());
  if (!viewed) {
    return say("view ends: ", name_of(viewed.code()));
  }
  std::vector<std::byte> value;
  for (const ConstPiece& piece : viewed->pieces()) {
    const auto* const first = static_cast<const std::byte*>(piece.address);
    value.insert(value.end(), first, first + piece.bytes);
  }
  oracle().get_delivers(key_, begun_, put_, value);
  look(*viewed);
}

void ViewCall::look(const View& view) {
  for (unsigned again = 3;; --again) {
    if (view.verify() != Status::kOk) {
      oracle().found_damaged(key_, place_);
    }
    if (again == 0 || is_late()) {
      return;
    }
    const Micros left = deadline_ - world().now();
    client_.threads().stand_still(std::min(world().between(1, ms(20)), left));
    step();
  }
}

}  // namespace aquifer::sim
