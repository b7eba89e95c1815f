#include "sim/copy_work.h"

#include <array>

#include "memory/scatter.h"
#include "pool/object.h"

namespace aquifer::sim {

using memory::Cursor;
using pool::SlotState;
using pool::SlotWord;

namespace {

constexpr Micros kStepMax = 400;

}  // namespace

CopyWork::CopyWork(Process& process, const protocol::Copy& order,
                   std::shared_ptr<node::SegmentHost> target, FindSource find_source,
                   std::function<void(const protocol::Copied&)> done)
    : process_(process),
      order_(order),
      target_(std::move(target)),
      find_source_(std::move(find_source)),
      done_(std::move(done)) {
  content_.put = order.put;
  content_.value_bytes = static_cast<std::uint32_t>(order.value_bytes);
  content_.replicas = order.replicas;
  content_.extent_count = static_cast<std::uint16_t>(order.extents.size());
  for (std::size_t i = 0; i < order.extents.size(); ++i) {
    content_.extents[i] = {order.extents[i].first_unit, order.extents[i].units};
  }
}

void CopyWork::start() { next(&CopyWork::read_header); }

void CopyWork::next(void (CopyWork::*step)()) {
  process_.after(process_.world().between(1, kStepMax),
                 [self = shared_from_this(), step] { (self.get()->*step)(); });
}

// What the other node sends between its two looks.
bool CopyWork::read(std::uint64_t offset, std::span<std::byte> to) {
  const auto memory = find_source_(order_.from_segment);
  if (memory == nullptr) {
    return false;
  }
  const auto& view = memory->view;
  const auto& slot = view.slot(order_.from_slot);
  const SlotWord sealed{order_.from_generation, SlotState::kSealed};
  const auto content = pool::read_content(slot, order_.from_generation);
  if (slot.word.load() != sealed.raw() || !content ||
      !view.extents_fit(content->used_extents(), content->stored_bytes())) {
    return false;
  }
  std::array<Piece, pool::kExtentsMax> pieces;
  const std::size_t count = view.resolve(content->used_extents(), content->stored_bytes(), pieces);
  const Piece piece{to.data(), to.size()};
  Cursor<Piece> from({pieces.data(), count}, offset);
  Cursor<Piece> into({&piece, 1}, 0);
  memory::copy_digest(0, into, from, to.size(), memory::Stores::kCached);
  return true;
}

void CopyWork::read_header() {
  header_.resize(pool::kHeaderStart);
  const std::uint64_t at = pool::header_offset(order_.value_bytes);
  if (!read(at, header_)) {
    return end(Status::kCancelled);
  }
  header_.resize(pool::header_bytes_in(header_));
  const pool::ObjectIdentity identity{{},
                                      {},
                                      order_.put,
                                      order_.from_segment,
                                      order_.from_slot,
                                      order_.from_generation,
                                      order_.value_bytes};
  if (!read(at, header_) ||
      !pool::check_header_unnamed(header_, identity, order_.header_digest, digests_)) {
    process_.world().violated("the header of the replica to copy is damaged");
  }
  content_.header_bytes = static_cast<std::uint32_t>(header_.size());
  entry_ =
      target_->open_writes().enter(order_.slot, order_.generation, order_.put, order_.value_bytes);
  entry_ == nullptr ? end(Status::kCancelled) : next(&CopyWork::copy_page);
}

bool CopyWork::is_granted() const {
  return target_->view().slot(order_.slot).word.load() ==
         SlotWord{order_.generation, SlotState::kGranted}.raw();
}

bool CopyWork::write(std::uint64_t offset, std::span<const std::byte> from) {
  if (!is_granted()) {
    return false;
  }
  std::array<Piece, pool::kExtentsMax> pieces;
  const std::size_t count =
      target_->view().resolve(content_.used_extents(), content_.stored_bytes(), pieces);
  const ConstPiece piece{from.data(), from.size()};
  Cursor<ConstPiece> out({&piece, 1}, 0);
  Cursor<Piece> to({pieces.data(), count}, offset);
  memory::copy_digest(0, to, out, from.size(), memory::Stores::kCached);
  return true;
}

void CopyWork::copy_page() {
  if (page_ == digests_.size()) {
    return seal();
  }
  std::vector<std::byte> bytes(pool::page_bytes(order_.value_bytes, page_));
  const std::uint64_t offset = page_ * pool::kPageBytes;
  if (!read(offset, bytes)) {
    return end(Status::kCancelled);
  }
  if (memory::digest(pool::page_seed(order_.put, page_), bytes.data(), bytes.size()) !=
      digests_[page_]) {
    process_.world().violated("the replica to copy is damaged");
  }
  if (!write(offset, bytes)) {
    return end(Status::kCancelled);
  }
  ++page_;
  next(&CopyWork::copy_page);
}

void CopyWork::seal() {
  const auto names = pool::names_in_header(header_);
  const auto own = pool::encode_header({names.name_space, names.key, order_.put, order_.segment,
                                        order_.slot, order_.generation, order_.value_bytes},
                                       digests_);
  header_digest_ = pool::digest_of_header(order_.put, own);
  content_.header_digest = header_digest_;
  if (!write(pool::header_offset(order_.value_bytes), own)) {
    return end(Status::kCancelled);
  }
  pool::Slot& slot = target_->view().slot(order_.slot);
  pool::write_content(slot, order_.generation, content_);
  const bool sealed = pool::swap_word(slot, {order_.generation, SlotState::kGranted},
                                      {order_.generation, SlotState::kSealed});
  if (sealed) {
    target_->open_writes().fence(order_.slot);
  }
  end(sealed ? Status::kOk : Status::kCancelled);
}

void CopyWork::end(Status status) {
  done_({order_.segment, order_.slot, order_.generation, status,
         status == Status::kOk ? header_digest_ : 0});
}

}  // namespace aquifer::sim
