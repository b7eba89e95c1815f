#include "node/segment_host.h"

#include <unistd.h>

#include <algorithm>
#include <array>

#include "base/check.h"
#include "base/random.h"
#include "memory/fault_guard.h"
#include "memory/scatter.h"
#include "pool/object.h"

namespace aquifer::node {
namespace {

using pool::SlotState;
using pool::SlotWord;

// The first step is small, so that the first put does not wait; later ones are large enough to run
// at full speed and small enough to stop soon.
constexpr std::uint64_t kFirstStepBytes = 16u << 20;
constexpr std::uint64_t kStepBytes = 64u << 20;
constexpr std::uint64_t kSlotsStep = 32768;

constexpr std::uint64_t page_down(std::uint64_t offset) { return offset & ~std::uint64_t{4095}; }
constexpr std::uint64_t page_up(std::uint64_t offset) {
  return (offset + 4095) & ~std::uint64_t{4095};
}

Result<base::UniqueFd> make_memory(const SegmentHost::Options& options, std::uint64_t bytes) {
  return options.path.empty() ? memory::make_anonymous("aquifer-segment", bytes)
                              : memory::make_in_folder(options.path, bytes);
}

}  // namespace

Result<std::unique_ptr<SegmentHost>> SegmentHost::make(const Options& options,
                                                       Progress on_progress) {
  const auto shape = pool::SegmentShape::for_data(options.data_bytes);
  auto fd = make_memory(options, shape.total_bytes());
  if (!fd) {
    return std::move(fd).error();
  }
  const auto undo = [&](Error error) {
    if (!options.path.empty()) {
      unlink(options.path.c_str());
    }
    return error;
  };
  auto mapping = memory::Mapping::map(fd->get(), shape.total_bytes());
  if (!mapping) {
    return undo(std::move(mapping).error());
  }
  if (auto first = memory::populate(fd->get(), *mapping, 0, 4096); !first) {
    return undo(std::move(first).error());
  }
  const auto view =
      pool::SegmentView::format(mapping->data(), shape, {base::random_id()}, options.node);
  return std::unique_ptr<SegmentHost>(
      new SegmentHost(options, *std::move(fd), *std::move(mapping), view, std::move(on_progress)));
}

SegmentHost::SegmentHost(Options options, base::UniqueFd fd, memory::Mapping mapping,
                         pool::SegmentView view, Progress on_progress)
    : options_(std::move(options)),
      fd_(std::move(fd)),
      mapping_(std::move(mapping)),
      view_(view),
      on_progress_(std::move(on_progress)),
      units_max_(view.shape().data_bytes / pool::kUnitBytes),
      next_lock_(view.shape().total_bytes() + 1) {
  populator_ = std::thread([this] { populate_loop(); });
}

SegmentHost::~SegmentHost() {
  stopping_ = true;
  populator_.join();
  view_.header().live.store(0, std::memory_order_release);
  if (!options_.path.empty()) {
    unlink(options_.path.c_str());
  }
}

void SegmentHost::populate_loop() {
  std::uint64_t slots = 0;
  std::uint64_t units = 0;
  while (!stopping_ && populate_step(slots, units)) {
  }
}

// One step of catalog and data; false when there is nothing more to do.
bool SegmentHost::populate_step(std::uint64_t& slots, std::uint64_t& units) {
  const std::uint64_t slots_wanted =
      std::min<std::uint64_t>(slots + kSlotsStep, view_.slot_count());
  const std::uint64_t step = units == 0 ? kFirstStepBytes : kStepBytes;
  const std::uint64_t units_wanted = std::min(units + step / pool::kUnitBytes, units_max_.load());
  if (slots_wanted == slots && units_wanted == units) {
    return false;
  }
  const auto populate = [&](std::uint64_t first, std::uint64_t end) -> Result<void> {
    const std::uint64_t from = page_down(first);
    return end > first ? memory::populate(fd_.get(), mapping_, from,
                                          std::min(page_up(end), mapping_.size()) - from)
                       : Result<void>();
  };
  const std::uint64_t data = view_.shape().data_offset;
  auto done = populate(pool::SegmentView::slot_offset(static_cast<std::uint32_t>(slots)),
                       pool::SegmentView::slot_offset(static_cast<std::uint32_t>(slots_wanted)));
  if (done) {
    done = populate(data + units * pool::kUnitBytes, data + units_wanted * pool::kUnitBytes);
  }
  if (!done) {
    units_max_ = units;
    on_progress_(done.error());
    return false;
  }
  slots = slots_wanted;
  units = units_wanted;
  populated_slots_ = slots;
  populated_units_ = units;
  on_progress_(std::nullopt);
  return true;
}

void SegmentHost::grant(std::uint32_t units, std::uint32_t slots) {
  const auto end = static_cast<std::uint32_t>(std::min<std::uint64_t>(slots, populated_slots_));
  for (; granted_slots_ < end; ++granted_slots_) {
    pool::Slot& slot = view_.slot(granted_slots_);
    const auto word = SlotWord::of(slot.word.load(std::memory_order_acquire));
    AQ_CHECK(pool::swap_word(slot, word, {word.generation + 1, SlotState::kGranted}));
    generations_.push_back(word.generation + 1);
  }
  granted_units_ = std::max(
      granted_units_, static_cast<std::uint32_t>(std::min<std::uint64_t>(units, populated_units_)));
  view_.header().granted_units.store(granted_units_, std::memory_order_release);
}

protocol::Granted SegmentHost::granted_since(std::uint32_t first_slot) const {
  protocol::Granted message{
      view_.id(), granted_units_, first_slot, {}, static_cast<std::uint32_t>(units_max_.load())};
  for (std::uint32_t slot = first_slot; slot < granted_slots_; ++slot) {
    message.generations.push_back(generations_[slot]);
  }
  return message;
}

bool SegmentHost::may_still_write(base::ClientId client) {
  const auto [first, last] = handed_out_.equal_range(client);
  return std::any_of(first, last, [&](const auto& entry) {
    return memory::byte_is_locked(fd_.get(), entry.second);
  });
}

// Makes the slot granted under the next generation, whatever it holds. No writer is left.
std::uint64_t SegmentHost::take_back(std::uint32_t index, SlotWord word) {
  pool::Slot& slot = view_.slot(index);
  const SlotWord next{word.generation + 1, SlotState::kGranted};
  std::uint64_t raw = slot.word.load(std::memory_order_acquire);
  while (!slot.word.compare_exchange_weak(raw, next.raw(), std::memory_order_acq_rel)) {
  }
  generations_[index] = next.generation;
  return next.generation;
}

protocol::ReclaimedItem SegmentHost::reclaim(const protocol::ReclaimItem& item) {
  protocol::ReclaimedItem done{item.slot, item.generation, 0};
  if (item.slot >= granted_slots_) {
    return done;
  }
  const std::uint64_t present = generations_[item.slot];
  if (present != item.generation) {
    // A repeat of what was done before, or what nobody waits for any more: a generation never goes
    // back.
    done.next_generation = present == item.generation + 1 ? present : 0;
    return done;
  }
  pool::Slot& slot = view_.slot(item.slot);
  pool::swap_word(slot, {item.generation, SlotState::kGranted},
                  {item.generation, SlotState::kLimbo});
  const auto word = SlotWord::of(slot.word.load(std::memory_order_acquire));
  const bool writer_ended = word == SlotWord{item.generation, SlotState::kSealed} ||
                            word == SlotWord{item.generation, SlotState::kBad};
  if (!writer_ended) {              // in limbo, or the word was damaged
    open_writes_.fence(item.slot);  // writes that this node makes for others have ended
    std::erase_if(limbo_, [&](const auto& waiting) { return waiting.slot == item.slot; });
    if (!item.writer_done && may_still_write(item.writer)) {
      limbo_.push_back(item);
      return done;
    }
  }
  // Sealed, bad, or its writer gone.
  open_writes_.fence(item.slot);
  done.next_generation = take_back(item.slot, {item.generation, SlotState::kRetired});
  return done;
}

std::vector<protocol::ReclaimedItem> SegmentHost::release_limbo() {
  std::erase_if(handed_out_, [&](const auto& entry) {
    return !memory::byte_is_locked(fd_.get(), entry.second);
  });
  std::vector<protocol::ReclaimedItem> released;
  std::erase_if(limbo_, [&](const protocol::ReclaimItem& item) {
    if (handed_out_.contains(item.writer)) {
      return false;
    }
    released.push_back(
        {item.slot, item.generation, take_back(item.slot, {item.generation, SlotState::kLimbo})});
    return true;
  });
  return released;
}

bool SegmentHost::find_bad(const protocol::Verify& verify) {
  if (verify.slot >= granted_slots_) {
    return false;
  }
  pool::Slot& slot = view_.slot(verify.slot);
  const SlotWord sealed{verify.generation, SlotState::kSealed};
  const SlotWord bad{verify.generation, SlotState::kBad};
  if (slot.word.load(std::memory_order_acquire) != sealed.raw()) {
    return true;  // meta still lists it, so the word itself was damaged
  }
  const auto content = pool::read_content(slot, verify.generation);
  std::array<Piece, pool::kExtentsMax> pieces;
  if (!content || content->header_digest != verify.header_digest ||
      !view_.extents_fit(content->used_extents(), content->stored_bytes())) {
    return pool::swap_word(slot, sealed, bad);
  }
  const std::size_t count = view_.resolve(content->used_extents(), content->stored_bytes(), pieces);
  const std::span<const Piece> stored(pieces.data(), count);
  std::vector<std::byte> header(content->header_bytes);
  const Piece header_piece{header.data(), header.size()};
  memory::Cursor<Piece> from(stored, 0);
  memory::Cursor<Piece> to({&header_piece, 1}, 0);
  bool good = memory::guarded(mapping_.data(), mapping_.size(), [&] {
    memory::copy_digest(0, to, from, content->header_bytes, memory::Stores::kCached);
  });
  std::vector<std::uint64_t> digests;
  const pool::ObjectIdentity identity{
      {}, {}, content->put, view_.id(), verify.slot, verify.generation, content->value_bytes};
  good = good && pool::check_header_unnamed(header, identity, content->header_digest, digests);
  for (std::uint64_t page = 0; good && page < digests.size(); ++page) {
    std::uint64_t state = pool::page_seed(content->put, page);
    good = memory::guarded(mapping_.data(), mapping_.size(), [&] {
      state = memory::digest(state, from, pool::page_bytes(content->value_bytes, page));
    });
    good = good && state == digests[page];
  }
  return !good && pool::swap_word(slot, sealed, bad);
}

Result<base::UniqueFd> SegmentHost::hand_out(base::ClientId client) {
  auto fd = memory::reopen(fd_.get());
  if (!fd) {
    return fd;
  }
  const std::uint64_t position = next_lock_++;
  if (auto locked = memory::lock_byte(fd->get(), position); !locked) {
    return std::move(locked).error();
  }
  handed_out_.emplace(client, position);
  return fd;
}

}  // namespace aquifer::node
