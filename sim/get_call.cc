#include "sim/get_call.h"

namespace aquifer::sim {

GetCall::GetCall(ClientProcess& client, std::vector<std::uint32_t> keys, Micros deadline)
    : Call(client, keys.front(), deadline) {
  const std::uint64_t room = client.plan().bytes_max;
  for (const std::uint32_t key : keys) {
    Wish& wish = wishes_.emplace_back();
    wish.key = key;
    wish.name = key_name(key);
    // What nobody has written is read by nobody.
    wish.value.reset(new std::byte[room]);
    wish.piece = {wish.value.get(), room};
  }
}

void GetCall::on_read(const client::Transfer& transfer) {
  for (Wish& wish : wishes_) {
    if (wish.name == transfer.key) {
      wish.put = transfer.put;
    }
  }
}

void GetCall::make() {
  std::vector<GetItem> items;
  for (const Wish& wish : wishes_) {
    say_of(wish.name, "get", wishes_.size() > 1 ? ", with others" : "");
    items.push_back({wish.name, {&wish.piece, 1}});
  }
  const auto outcomes = session().get(items, begin());
  for (std::size_t i = 0; i < outcomes.size(); ++i) {
    const Wish& wish = wishes_[i];
    say_of(wish.name, "get ends: ", name_of(outcomes[i].status));
    if (outcomes[i].status == Status::kOk) {
      oracle().get_delivers(wish.key, begun_, wish.put, {wish.value.get(), outcomes[i].bytes});
    }
  }
  if (on_status) {
    on_status(outcomes[0].status);
  }
}

void RangeCall::make() {
  const std::uint64_t offset = world().below(client_.plan().bytes_max) / 2;
  const std::uint64_t bytes = world().between(1, client_.plan().bytes_max);
  say("get of a range from ", offset, " on");
  const std::unique_ptr<std::byte[]> value(new std::byte[bytes]);
  const Piece piece{value.get(), bytes};
  const RangeItem item{name_, offset, {&piece, 1}};
  const GetOutcome outcome = session().get_ranges({&item, 1}, begin()).front();
  say("get of a range ends: ", name_of(outcome.status));
  if (outcome.status == Status::kOk) {
    oracle().range_delivers(key_, begun_, put_, offset, {value.get(), outcome.bytes});
  }
}

}  // namespace aquifer::sim
