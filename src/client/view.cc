// Looking at values in place.
#include "aquifer/view.h"

#include <unistd.h>

#include <algorithm>
#include <exception>

#include "client/session.h"
#include "client/system_time.h"
#include "client/view_state.h"
#include "memory/fault_guard.h"

namespace aquifer::client {

ViewState::ViewState(const Transfer& transfer, HandlePtr handle)
    : process_(getpid()),
      handle_(std::move(handle)),
      place_(transfer.place),
      name_space_(transfer.name_space),
      key_(transfer.key),
      mapped_(transfer.mapped) {
  std::array<Piece, pool::kExtentsMax> all;
  const std::size_t count = mapped_->view.resolve(place_.used_extents(), transfer.value_bytes, all);
  for (const Piece& piece : std::span(all.data(), count)) {
    if (piece.bytes > 0) {  // the last extent may hold the header alone
      pieces_[piece_count_++] = {piece.address, piece.bytes};
    }
  }
}

ViewState::ViewState(std::vector<std::byte> copy) : process_(getpid()), copy_(std::move(copy)) {
  pieces_[piece_count_++] = {copy_.data(), copy_.size()};
}

ViewState::~ViewState() {
  if (mapped_ != nullptr && getpid() == process_) {  // a forked child has no mapping
    mapped_->uses.leave(place_.slot, SlotUses::Kind::kView);
  }
}

std::uint64_t ViewState::bytes() const {
  return mapped_ != nullptr ? handle_->value_bytes : copy_.size();
}

Status ViewState::verify() const {
  if (mapped_ == nullptr) {
    return Status::kOk;  // it was verified on its way into memory that only this process has
  }
  Transfer transfer;
  transfer.name_space = name_space_;
  transfer.key = key_;
  transfer.put = handle_->put;
  transfer.value_bytes = handle_->value_bytes;
  transfer.place = place_;
  transfer.mapped = mapped_;
  Transfer* const one = &transfer;
  Workers nobody(0);
  SystemTime time;
  verify_shm({&one, 1}, {nobody, time, 1, 1, io::Deadline::max()});
  return transfer.failed() ? Status::kIntegrity : Status::kOk;
}

// One key of a view call on its way.
struct Session::Viewing {
  std::string_view key;
  HandlePtr handle;
  Status failure = Status::kNotFound;
  bool damaged = false;
};

std::vector<Result<View>> Session::views(std::span<const std::string_view> keys, const Call& call) {
  const std::vector<GetOutcome> located = locate(keys, true, call);
  std::vector<Result<View>> results;
  results.reserve(keys.size());
  for (std::size_t i = 0; i < keys.size(); ++i) {
    if (located[i].status == Status::kOk) {
      results.push_back(view_one(keys[i], call));
      ++(results.back().ok() ? counters_.hits : counters_.misses);
    } else {
      results.emplace_back(explain(located[i].status, keys[i]));
    }
  }
  report_soon(call.deadline, false);
  return results;
}

Result<View> Session::view_one(std::string_view key, const Call& call) {
  Viewing viewing{key, nullptr};
  for (const bool fresh : {false, true}) {
    if (!find_handle(viewing, fresh, call)) {
      break;
    }
    bool readable = false;
    for (const ReplicaPlace& place : viewing.handle->replicas) {
      auto transfer = transfer_of(viewing, place, call);
      if (!route(*transfer, Work::kRead, call.deadline)) {
        viewing.failure = Status::kUnreachable;
        continue;
      }
      if (transfer->mapped == nullptr || !transfer->mapped->uses.usable()) {
        readable = true;
        continue;
      }
      transfer->remembered = !fresh;
      if (auto state = look(*transfer, viewing, call)) {
        note_use(*viewing.handle);
        return View(std::move(state));
      }
    }
    if (readable) {
      return copied_view(viewing, call);
    }
    cache_.drop(call.name_space, key, viewing.handle.get());
  }
  return explain(viewing.damaged ? Status::kIntegrity : viewing.failure, key);
}

bool Session::find_handle(Viewing& viewing, bool fresh, const Call& call) {
  viewing.handle = fresh ? nullptr : cache_.find(call.name_space, viewing.key);
  if (viewing.handle != nullptr) {
    return true;
  }
  protocol::EncodedHandles reply;
  const auto payload =
      ask(protocol::Method::kLookup, protocol::Lookup{call.name_space, true, {viewing.key}}, reply,
          call.deadline);
  Found found{payload ? Status::kVersionMismatch : payload.code(), nullptr, {}};
  if (payload && reply.items.size() == 1) {
    found = learn(viewing.key, reply.items[0], call);
  }
  viewing.handle = std::move(found.handle);
  viewing.failure = found.status;
  return viewing.handle != nullptr;
}

std::unique_ptr<Transfer> Session::transfer_of(const Viewing& viewing, const ReplicaPlace& place,
                                               const Call& call) {
  auto transfer = std::make_unique<Transfer>();
  transfer->name_space = call.name_space;
  transfer->key = viewing.key;
  transfer->put = viewing.handle->put;
  transfer->value_bytes = viewing.handle->value_bytes;
  transfer->place = place;
  return transfer;
}

// Holds the slot and checks what lies there: the header each time, the bytes the first time.
std::unique_ptr<ViewState> Session::look(Transfer& transfer, Viewing& viewing, const Call& call) {
  if ((transfer.remembered && !is_kept(*transfer.mapped, time_.now())) || !may_enter(transfer) ||
      !transfer.mapped->uses.enter(transfer.place.slot, transfer.place.generation,
                                   SlotUses::Kind::kView)) {
    ++counters_.stale_handles;
    viewing.failure = Status::kNotFound;
    return nullptr;
  }
  auto state = std::make_unique<ViewState>(transfer, viewing.handle);  // leaves the slot
  const std::size_t replica = static_cast<std::size_t>(
      std::find_if(
          viewing.handle->replicas.begin(), viewing.handle->replicas.end(),
          [&](const ReplicaPlace& place) { return place.segment == transfer.place.segment; }) -
      viewing.handle->replicas.begin());
  Transfer* const one = &transfer;
  if (viewing.handle->verified.has(replica)) {
    transfer.end_page = 0;  // the header alone
  }
  around_->move_by_memory(Work::kVerify, {&one, 1}, effort(call));
  switch (transfer.outcome.load()) {
    case Outcome::kDone:
      viewing.handle->verified.add(replica);
      return state;
    case Outcome::kDamaged:
      viewing.damaged = true;
      note_damage(transfer);
      break;
    case Outcome::kTimeout:
      viewing.failure = Status::kTimeout;
      break;
    case Outcome::kUnreachable:
      viewing.failure = Status::kUnreachable;
      break;
    case Outcome::kStale:
      viewing.failure = Status::kNotFound;
      break;
  }
  return nullptr;
}

Result<View> Session::copied_view(const Viewing& viewing, const Call& call) {
  std::vector<std::byte> copy(viewing.handle->value_bytes);
  for (int round = 0; round < 3; ++round) {
    const Piece piece{copy.data(), copy.size()};
    const GetItem item{viewing.key, {&piece, 1}};
    const GetOutcome got = get({&item, 1}, call).front();
    if (got.status == Status::kOk) {
      copy.resize(got.bytes);
      return View(std::make_unique<ViewState>(std::move(copy)));
    }
    if (got.status != Status::kTooSmall) {
      return explain(got.status, viewing.key);
    }
    copy.resize(got.bytes);  // it was replaced by a larger one meanwhile
  }
  return explain(Status::kBusy, viewing.key);
}

}  // namespace aquifer::client

namespace aquifer {

View::View(std::unique_ptr<client::ViewState> state) : state_(std::move(state)) {}
View::View(View&&) noexcept = default;
View& View::operator=(View&&) noexcept = default;
View::~View() = default;

std::span<const ConstPiece> View::pieces() const {
  return state_ == nullptr ? std::span<const ConstPiece>() : state_->pieces();
}

std::uint64_t View::bytes() const { return state_ == nullptr ? 0 : state_->bytes(); }
bool View::is_copy() const { return state_ != nullptr && state_->is_copy(); }

Status View::verify() const {
  try {
    return state_ == nullptr ? Status::kClosed : state_->verify();
  } catch (const std::exception&) {
    return Status::kInternal;
  }
}

void View::release() { state_.reset(); }

}  // namespace aquifer
