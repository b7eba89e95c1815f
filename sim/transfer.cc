#include "sim/transfer.h"

#include <array>

#include "memory/digest.h"
#include "memory/scatter.h"
#include "pool/object.h"

namespace aquifer::sim {

using client::SlotUses;
using memory::Cursor;
using memory::Stores;
using pool::SlotState;
using pool::SlotWord;

namespace {

struct Target {
  std::array<Piece, pool::kExtentsMax> pieces;
  std::size_t count = 0;
  std::span<const Piece> span() const { return {pieces.data(), count}; }
};

bool resolve(const Transfer& transfer, Target& target) {
  const auto& view = transfer.mapped->memory->view;
  const std::uint64_t stored = pool::stored_bytes(transfer.value_bytes, transfer.header_bytes());
  if (transfer.place.slot >= view.slot_count() ||
      !view.extents_fit(transfer.place.used_extents(), stored)) {
    return false;
  }
  target.count = view.resolve(transfer.place.used_extents(), stored, target.pieces);
  return true;
}

}  // namespace

std::uint32_t Transfer::header_bytes() const {
  return pool::header_bytes(kSpace.size(), key.size(), value_bytes);
}

pool::ObjectIdentity Transfer::identity() const {
  return {kSpace, key, put, place.segment, place.slot, place.generation, value_bytes};
}

bool Transfer::slot_is(SlotState state) const {
  const auto& view = mapped->memory->view;
  return view.slot(place.slot).word.load() == SlotWord{place.generation, state}.raw() &&
         view.header().live.load() == 1;
}

void Transfer::enter() {
  const auto& view = mapped->memory->view;
  is_held = place.slot < view.slot_count() && view.header().live.load() == 1 &&
            mapped->uses.enter(place.slot, place.generation, SlotUses::Kind::kWrite);
  if (!is_held) {
    fail(Outcome::kStale);
  }
}

void Transfer::leave() {
  if (std::exchange(is_held, false)) {
    mapped->uses.leave(place.slot, SlotUses::Kind::kWrite);
  }
}

void Transfer::describe() {
  pool::SlotContent content;
  content.put = put;
  content.header_digest = header_digest;
  content.value_bytes = static_cast<std::uint32_t>(value_bytes);
  content.group = group;
  content.header_bytes = header_bytes();
  content.extent_count = static_cast<std::uint16_t>(place.extent_count);
  content.replicas = replicas;
  content.extents = place.extents;
  pool::write_content(mapped->memory->view.slot(place.slot), place.generation, content);
}

void Transfer::write_page(std::uint64_t page) {
  Target target;
  if (!resolve(*this, target)) {
    return fail(Outcome::kUnreachable);
  }
  const ConstPiece piece{source.data(), source.size()};
  Cursor<ConstPiece> from({&piece, 1}, page * pool::kPageBytes);
  Cursor<Piece> to(target.span(), page * pool::kPageBytes);
  page_digests[page] = memory::copy_digest(pool::page_seed(put, page), to, from,
                                           pool::page_bytes(value_bytes, page), Stores::kCached);
}

void Transfer::make_header() {
  header = pool::encode_header(identity(), page_digests);
  header_digest = pool::digest_of_header(put, header);
}

void Transfer::write_header() {
  Target target;
  if (!resolve(*this, target)) {
    return fail(Outcome::kUnreachable);
  }
  const ConstPiece piece{header.data(), header.size()};
  Cursor<ConstPiece> from({&piece, 1}, 0);
  Cursor<Piece> to(target.span(), pool::header_offset(value_bytes));
  memory::copy_digest(0, to, from, piece.bytes, Stores::kCached);
}

void Transfer::seal(Fault fault) {
  auto& slot = mapped->memory->view.slot(place.slot);
  const SlotWord sealed{place.generation, pool::sealed_state(group)};
  is_sealed = true;
  if (fault == Fault::kSealsByStore) {
    slot.word.store(sealed.raw());
    return;
  }
  if (!pool::swap_word(slot, {place.generation, SlotState::kGranted}, sealed)) {
    is_sealed = false;
    fail(Outcome::kStale);
  }
}

void Transfer::read_header() {
  Target target;
  if (!resolve(*this, target)) {
    return fail(Outcome::kStale);
  }
  header.resize(header_bytes());
  const Piece piece{header.data(), header.size()};
  Cursor<Piece> from(target.span(), pool::header_offset(value_bytes));
  Cursor<Piece> to({&piece, 1}, 0);
  memory::copy_digest(0, to, from, header.size(), Stores::kCached);
  if (!pool::check_header(header, identity(), place.header_digest, page_digests)) {
    fail(Outcome::kDamaged);
  }
}

void Transfer::read_page(std::uint64_t page, std::span<std::byte> value) {
  Target target;
  if (!resolve(*this, target)) {
    return fail(Outcome::kStale);
  }
  const Piece piece{value.data(), value.size()};
  Cursor<Piece> from(target.span(), page * pool::kPageBytes);
  Cursor<Piece> to({&piece, 1}, page * pool::kPageBytes);
  const std::uint64_t digest = memory::copy_digest(
      pool::page_seed(put, page), to, from, pool::page_bytes(value_bytes, page), Stores::kCached);
  if (digest != page_digests[page]) {
    fail(Outcome::kDamaged);
  }
}

}  // namespace aquifer::sim
