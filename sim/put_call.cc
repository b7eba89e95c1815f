#include "sim/put_call.h"

#include <algorithm>

#include "base/check.h"
#include "client/open_object.h"

namespace aquifer::sim {

using protocol::Method;

Putting::Putting(ClientProcess& client, const std::vector<PutWish>& wishes, Micros deadline)
    : Call(client, wishes.front().key, deadline) {
  for (const PutWish& wish : wishes) {
    Object& object = objects_.emplace_back();
    object.wish = wish;
    object.name = key_name(wish.key);
    object.number = client.oracle().put_begins(wish.key, wish.bytes, wish.mode);
    object.value = content_of({wish.key, object.number}, wish.bytes);
  }
}

PutOptions Putting::options() const {
  PutOptions options;
  options.mode = objects_[0].wish.mode;
  options.replicas = objects_[0].wish.replicas;
  return options;
}

Putting::Object& Putting::named(std::string_view name) {
  const auto found = std::find_if(objects_.begin(), objects_.end(),
                                  [&](const Object& object) { return object.name == name; });
  AQ_CHECK(found != objects_.end());
  return *found;
}

void Putting::on_answer(const rpc::Frame& request, std::string_view reply, std::uint64_t meta) {
  Call::on_answer(request, reply, meta);
  if (request.header.method != static_cast<std::uint16_t>(Method::kPutStart)) {
    return;
  }
  started_by_ = meta;
  protocol::PutStart asked;
  protocol::Handles given;
  AQ_CHECK(rpc::decode(request.payload, asked) && rpc::decode(reply, given) &&
           asked.items.size() == given.items.size());
  for (std::size_t i = 0; i < asked.items.size(); ++i) {
    const Object& object = named(asked.items[i].key);
    oracle().put_started(object.number);
    if (given.items[i].status != Status::kOk) {
      continue;
    }
    oracle().put_got(object.number, given.items[i].put);
    for (const protocol::Replica& place : given.items[i].replicas) {
      say_of(object.name, "put ", object.number, " is given slot ", place.slot, " generation ",
             place.generation, " of segment ", place.segment.value % 1000);
    }
  }
}

// What it is about to touch is its own.
void Putting::on_write(const client::Transfer& transfer) {
  const auto& place = transfer.place;
  oracle().put_writes(named(transfer.key).number, {place.segment, place.slot, place.generation});
}

void Putting::on_unsealed(const client::Transfer& transfer) {
  auto& later = unsealed_.emplace_back(std::make_unique<client::Transfer>());
  later->name_space = kSpace;
  later->key = named(transfer.key).name;
  later->put = transfer.put;
  later->value_bytes = transfer.value_bytes;
  later->replicas = transfer.replicas;
  later->group = transfer.group;
  later->place = transfer.place;
  later->mapped = transfer.mapped;
  later->page_digests = transfer.page_digests;
}

void Putting::end(std::size_t index, Status status) {
  const Object& object = objects_[index];
  say_of(object.name, "put ", object.number, " ends: ", name_of(status));
  oracle().put_ends(object.number, status, answered_by_ != started_by_, answered_by_);
}

void Putting::seal_late() {
  for (const auto& transfer : unsealed_) {
    step();
    client::Workers nobody(0);
    client::Transfer* const one = transfer.get();
    client::seal_shm({&one, 1}, {nobody, client_.threads()});
  }
}

PutCall::PutCall(ClientProcess& client, const std::vector<PutWish>& wishes, bool group,
                 Micros deadline)
    : Putting(client, wishes, deadline), group_(group) {
  if (group) {
    std::vector<std::uint32_t> numbers;
    for (const Object& object : objects_) {
      numbers.push_back(object.number);
    }
    client.oracle().group_begins(std::move(numbers));
  }
}

void PutCall::make() {
  std::vector<ConstPiece> pieces;
  std::vector<PutItem> items;
  for (const Object& object : objects_) {
    pieces.push_back({object.value.data(), object.value.size()});
    say_of(object.name, "put ", object.number, " of ", object.wish.bytes, " bytes",
           object.wish.mode == PutMode::kReplace    ? ", replacing"
           : object.wish.mode == PutMode::kIfAbsent ? ", if absent"
                                                    : "",
           object.wish.replicas > 1 ? ", two replicas" : "", group_ ? ", of a group" : "");
  }
  for (std::size_t i = 0; i < objects_.size(); ++i) {
    items.push_back({objects_[i].name, {&pieces[i], 1}, {}});
  }
  PutOptions with = options();
  with.group = group_;
  const auto statuses =
      group_ ? session().put_group(items, with, begin()) : session().put(items, with, begin());
  for (std::size_t i = 0; i < objects_.size(); ++i) {
    end(i, statuses[i]);
  }
  seal_late();
}

void OpenPutCall::make() {
  const Object& object = objects_[0];
  say("put ", object.number, " of ", object.wish.bytes, " bytes, range by range");
  const OpenItem item{object.name, object.wish.bytes, {}};
  const auto opened = session().open_objects({&item, 1}, options(), time_left(), begin());
  if (!opened[0]) {
    return end(0, opened[0].code());
  }
  end(0, fill(**opened[0]));
  seal_late();
}

// In ranges, of which now and then the last one does not come.
Status OpenPutCall::fill(client::OpenObject& object) {
  const auto& value = objects_[0].value;
  std::vector<std::uint64_t> cuts{0, value.size()};
  for (std::uint64_t more = world().below(4); more > 0; --more) {
    cuts.push_back(world().between(0, value.size()));
  }
  std::sort(cuts.begin(), cuts.end());
  const bool gives_up = world().chance(0.1);
  for (std::size_t i = 0; i + 1 < cuts.size(); ++i) {
    const std::uint64_t bytes = cuts[i + 1] - cuts[i];
    if (bytes == 0 || (gives_up && cuts[i + 1] == value.size())) {
      continue;
    }
    step();
    const ConstPiece piece{value.data() + cuts[i], bytes};
    if (const Status status = object.write(cuts[i], {&piece, 1}, time_left());
        status != Status::kOk) {
      say("a range is not written: ", name_of(status));
      object.abort();
      return Status::kCancelled;
    }
  }
  step();
  if (gives_up) {
    object.abort();
    return Status::kCancelled;
  }
  return object.commit(time_left());
}

}  // namespace aquifer::sim
