#include "node/segment_host.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>

#include "base/check.h"
#include "base/log.h"
#include "base/random.h"
#include "base/strings.h"
#include "memory/fault_guard.h"
#include "memory/scatter.h"
#include "node/left_segments.h"
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

// What cannot be used is kept for who wants to look at it, under a name that no node takes.
Result<void> set_aside(const std::string& path, const Error& why) {
  const std::string aside = base::cat(path, ".aside");
  if (rename(path.c_str(), aside.c_str()) != 0) {
    return Error{Status::kIo,
                 base::cat("cannot use the segment file ", path, " (", why.message,
                           "), nor move it away: ", std::strerror(errno)),
                 "remove it, or choose another --name"};
  }
  base::log_warning("node", "the segment file ", path, " cannot be used (", why.message,
                    ") and was set aside as ", aside,
                    ": the node starts empty; `aquifer segments` lists and removes such files");
  return {};
}

}  // namespace

Result<std::unique_ptr<SegmentHost>> SegmentHost::make(const Options& options,
                                                       Progress on_progress) {
  const auto shape = pool::SegmentShape::for_data(options.data_bytes);
  if (!options.path.empty()) {
    auto left = memory::open_in_folder(options.path);
    if (left && options.fresh) {
      mark_dead(left->get());
    } else if (left) {
      const base::UniqueFd same(fcntl(left->get(), F_DUPFD_CLOEXEC, 0));
      auto attached = attach(options, *std::move(left), on_progress);
      if (attached || attached.code() == Status::kConflict) {
        return attached;
      }
      mark_dead(same.get());
      if (auto aside = set_aside(options.path, attached.error()); !aside) {
        return std::move(aside).error();
      }
    } else if (left.code() != Status::kNotFound) {
      return std::move(left).error();
    }
  }
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
  return std::unique_ptr<SegmentHost>(new SegmentHost(options, *std::move(fd), *std::move(mapping),
                                                      view, false, std::move(on_progress)));
}

// Errors: kConflict for a segment that is whole, but of another size; anything else: not usable.
Result<std::unique_ptr<SegmentHost>> SegmentHost::attach(const Options& options, base::UniqueFd fd,
                                                         Progress on_progress) {
  const auto bytes = memory::size_of(fd.get());
  if (!bytes) {
    return bytes.error();
  }
  if (*bytes < 4096) {
    return Error{Status::kIntegrity, "it is too short to be a segment", {}};
  }
  auto mapping = memory::Mapping::map(fd.get(), *bytes);
  if (!mapping) {
    return std::move(mapping).error();
  }
  Result<pool::SegmentView> view = Error{Status::kIntegrity, "its memory cannot be read", {}};
  bool is_live = false;
  const bool readable = memory::guarded(mapping->data(), mapping->size(), [&] {
    view = pool::SegmentView::open(mapping->data(), mapping->size());
    is_live = view.ok() && view->header().live.load() == 1;
  });
  if (!readable || !view) {
    return view.error();
  }
  const auto& header = view->header();
  if (!is_live || header.granted_slots > view->slot_count() ||
      header.granted_units > view->shape().data_bytes / pool::kUnitBytes) {
    return Error{
        Status::kIntegrity, is_live ? "its header is damaged" : "its node has given it up", {}};
  }
  const std::uint64_t wanted = pool::SegmentShape::for_data(options.data_bytes).data_bytes;
  if (view->shape().data_bytes != wanted) {
    return Error{Status::kConflict,
                 base::cat("the segment file ", options.path, " holds ", view->shape().data_bytes,
                           " bytes, --dram asks for ", wanted),
                 "give the same --dram as before, or --fresh to start with an empty segment"};
  }
  Options found = options;
  found.node = header.node;
  auto host = std::unique_ptr<SegmentHost>(new SegmentHost(
      std::move(found), std::move(fd), *std::move(mapping), *view, true, std::move(on_progress)));
  return host;
}

std::unique_ptr<SegmentHost> SegmentHost::over(const Options& options, Given given) {
  return std::unique_ptr<SegmentHost>(new SegmentHost(options, std::move(given)));
}

SegmentHost::SegmentHost(Options options, Given given)
    : options_(std::move(options)),
      view_(given.view),
      lives_(std::move(given.lives)),
      lasts_(given.lasts),
      units_max_(given.view.shape().data_bytes / pool::kUnitBytes),
      was_attached_(given.is_attached) {
  if (was_attached_) {
    read_catalog();
  }
  populated_units_ = units_max_.load();
  populated_slots_ = view_.slot_count();
}

SegmentHost::SegmentHost(Options options, base::UniqueFd fd, memory::Mapping mapping,
                         pool::SegmentView view, bool was_attached, Progress on_progress)
    : options_(std::move(options)),
      fd_(std::move(fd)),
      mapping_(std::move(mapping)),
      view_(view),
      lives_(
          [this](std::uint32_t user) { return memory::byte_is_locked(fd_.get(), lock_of(user)); }),
      lasts_(!options_.path.empty()),
      on_progress_(std::move(on_progress)),
      units_max_(view.shape().data_bytes / pool::kUnitBytes),
      was_attached_(was_attached) {
  if (was_attached_) {
    read_catalog();
  }
  populator_ = std::thread([this] { populate_loop(); });
}

SegmentHost::~SegmentHost() {
  stopping_ = true;
  if (populator_.joinable()) {
    populator_.join();
  }
  if (is_kept_ && lasts()) {
    return;
  }
  view_.header().live.store(0, std::memory_order_release);
  if (!options_.path.empty()) {
    unlink(options_.path.c_str());
  }
}

template <class Body>
bool SegmentHost::guarded(Body body) const {
  return memory::guarded(view_.base(), view_.shape().total_bytes(), body);
}

// What an earlier process has granted is granted, and who used slots in place and lives goes on.
void SegmentHost::read_catalog() {
  auto& header = view_.header();
  for (std::uint32_t user = 0; user < pool::kUsersMax; ++user) {
    if (lives_(user)) {
      users_taken_ |= std::uint64_t{1} << user;
    } else {
      header.views[user] = 0;
      header.writes[user] = 0;
    }
  }
  granted_units_ = static_cast<std::uint32_t>(header.granted_units.load());
  granted_slots_ = static_cast<std::uint32_t>(header.granted_slots.load());
  generations_.reserve(granted_slots_);
  const bool readable = guarded([&] {
    for (std::uint32_t slot = 0; slot < granted_slots_; ++slot) {
      if ((view_.slot(slot).users.load() & ~users_taken_) != 0) {
        view_.slot(slot).users.fetch_and(users_taken_);
      }
      generations_.push_back(SlotWord::of(view_.slot(slot).word.load()).generation);
    }
  });
  if (!readable) {  // cut short: what is left is what was read
    granted_slots_ = static_cast<std::uint32_t>(generations_.size());
  }
  populated_units_ = granted_units_;
  populated_slots_ = granted_slots_;
}

std::vector<protocol::RecoveredSlot> SegmentHost::find_damaged() {
  std::vector<protocol::RecoveredSlot> bad;
  for (std::uint32_t slot = 0; slot < granted_slots_; ++slot) {
    const SlotWord sealed{generations_[slot], SlotState::kSealed};
    if (view_.slot(slot).word.load(std::memory_order_acquire) != sealed.raw()) {
      continue;
    }
    std::vector<std::uint64_t> digests;
    pool::SlotContent content;
    if (checked_header(slot, sealed.generation, 0, digests, content).empty() &&
        pool::swap_word(view_.slot(slot), sealed, {sealed.generation, SlotState::kBad})) {
      bad.push_back({slot, sealed.generation});
    }
  }
  return bad;
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
    units_max_ = std::max<std::uint64_t>(units, populated_units_);
    on_progress_(done.error());
    return false;
  }
  slots = slots_wanted;
  units = units_wanted;
  // What was granted by an earlier process has memory already.
  populated_slots_ = std::max<std::uint64_t>(slots, populated_slots_);
  populated_units_ = std::max<std::uint64_t>(units, populated_units_);
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
  view_.header().granted_slots.store(granted_slots_, std::memory_order_release);
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

// The counterpart of client::SlotUses::enter: the word of the slot has been changed before.
bool SegmentHost::is_used(std::uint32_t slot) const {
  return (view_.slot(slot).users.load(std::memory_order_seq_cst) & users_taken_) != 0;
}

// Ends the object in a slot that has no writer; false while clients look at it in place.
bool SegmentHost::retire(std::uint32_t index, std::uint64_t generation) {
  view_.slot(index).word.store(SlotWord{generation, SlotState::kRetired}.raw(),
                               std::memory_order_seq_cst);
  return !is_used(index);
}

// Makes the slot granted under the next generation, whatever it holds. No writer and no view is
// left.
std::uint64_t SegmentHost::take_back(std::uint32_t index, std::uint64_t generation) {
  const SlotWord next{generation + 1, SlotState::kGranted};
  view_.slot(index).word.store(next.raw(), std::memory_order_seq_cst);
  generations_[index] = next.generation;
  return next.generation;
}

protocol::ReclaimedItem SegmentHost::reclaim(const protocol::ReclaimItem& item) {
  protocol::ReclaimedItem done{item.slot, item.generation, 0};
  if (item.slot >= granted_slots_) {
    return done;
  }
  const std::uint64_t present = generations_[item.slot];
  if (present != item.generation && options_.faults.retires_any_generation) {
    done.next_generation = reclaim({item.slot, present}).next_generation;
    return done;
  }
  if (present != item.generation) {
    // A repeat of what was done before, or what nobody waits for any more: a generation never goes
    // back.
    done.next_generation = present == item.generation + 1 ? present : 0;
    return done;
  }
  // Whatever it was, nobody seals it, or finds an object in it, from here on.
  pool::swap_word(view_.slot(item.slot), {item.generation, SlotState::kGranted},
                  {item.generation, SlotState::kLimbo});
  std::erase_if(limbo_, [&](const auto& waiting) { return waiting.slot == item.slot; });
  open_writes_.fence(item.slot);  // writes that this node makes for others have ended
  const auto word = SlotWord::of(view_.slot(item.slot).word.load(std::memory_order_acquire));
  const bool is_object = word == SlotWord{item.generation, SlotState::kSealed} ||
                         word == SlotWord{item.generation, SlotState::kPrepared} ||
                         word == SlotWord{item.generation, SlotState::kBad};
  if (is_object ? !retire(item.slot, item.generation) : is_used(item.slot)) {
    limbo_.push_back(item);
    return done;
  }
  done.next_generation = take_back(item.slot, item.generation);
  return done;
}

bool SegmentHost::publish(const protocol::PublishItem& item) {
  if (item.slot >= granted_slots_ || generations_[item.slot] != item.generation) {
    return false;
  }
  const SlotWord sealed{item.generation, SlotState::kSealed};
  pool::Slot& slot = view_.slot(item.slot);
  return pool::swap_word(slot, {item.generation, SlotState::kPrepared}, sealed) ||
         slot.word.load(std::memory_order_acquire) == sealed.raw();
}

std::vector<protocol::ReclaimedItem> SegmentHost::release_limbo() {
  for (std::uint32_t user = 0; user < pool::kUsersMax; ++user) {
    const std::uint64_t bit = std::uint64_t{1} << user;
    if ((users_taken_ & bit) != 0 && !lives_(user)) {
      end_uses_of(user);
      users_taken_ &= ~bit;
    }
  }
  std::vector<protocol::ReclaimedItem> released;
  std::erase_if(limbo_, [&](const protocol::ReclaimItem& item) {
    if (is_used(item.slot)) {
      return false;
    }
    released.push_back({item.slot, item.generation, take_back(item.slot, item.generation)});
    return true;
  });
  return released;
}

// A client is gone, and with it all that it looked at.
void SegmentHost::end_uses_of(std::uint32_t user) {
  auto& header = view_.header();
  const std::uint64_t views = header.views[user].exchange(0);
  const std::uint64_t writes = header.writes[user].exchange(0);
  if (views == 0 && writes == 0) {
    return;
  }
  const std::uint64_t bit = std::uint64_t{1} << user;
  for (std::uint32_t slot = 0; slot < granted_slots_; ++slot) {
    view_.slot(slot).users.fetch_and(~bit, std::memory_order_seq_cst);
  }
}

std::uint64_t SegmentHost::views() const {
  std::uint64_t sum = 0;
  for (std::uint32_t user = 0; user < pool::kUsersMax; ++user) {
    const bool taken = (users_taken_ >> user & 1) != 0;
    sum += taken ? view_.header().views[user].load(std::memory_order_relaxed) : 0;
  }
  return sum;
}

std::vector<std::byte> SegmentHost::checked_header(std::uint32_t slot, std::uint64_t generation,
                                                   std::uint64_t header_digest,
                                                   std::vector<std::uint64_t>& page_digests,
                                                   pool::SlotContent& content) const {
  std::optional<pool::SlotContent> found;
  bool good = guarded([&] { found = pool::read_content(view_.slot(slot), generation); });
  if (!good || !found || (header_digest != 0 && found->header_digest != header_digest) ||
      !view_.extents_fit(found->used_extents(), found->stored_bytes())) {
    return {};
  }
  content = *found;
  std::array<Piece, pool::kExtentsMax> pieces;
  const std::size_t count = view_.resolve(content.used_extents(), content.stored_bytes(), pieces);
  std::vector<std::byte> header(content.header_bytes);
  const Piece header_piece{header.data(), header.size()};
  memory::Cursor<Piece> from({pieces.data(), count}, pool::header_offset(content.value_bytes));
  memory::Cursor<Piece> to({&header_piece, 1}, 0);
  good = guarded(
      [&] { memory::copy_digest(0, to, from, content.header_bytes, memory::Stores::kCached); });
  const pool::ObjectIdentity identity{{},   {},         content.put,        view_.id(),
                                      slot, generation, content.value_bytes};
  if (!good || !pool::check_header_unnamed(header, identity, content.header_digest, page_digests)) {
    return {};
  }
  return header;
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
  std::vector<std::uint64_t> digests;
  pool::SlotContent content;
  bool good =
      !checked_header(verify.slot, verify.generation, verify.header_digest, digests, content)
           .empty();
  std::array<Piece, pool::kExtentsMax> pieces;
  const std::size_t count =
      good ? view_.resolve(content.used_extents(), content.stored_bytes(), pieces) : 0;
  memory::Cursor<Piece> from({pieces.data(), count}, 0);
  for (std::uint64_t page = 0; good && page < digests.size(); ++page) {
    std::uint64_t state = pool::page_seed(content.put, page);
    good = guarded(
        [&] { state = memory::digest(state, from, pool::page_bytes(content.value_bytes, page)); });
    good = good && state == digests[page];
  }
  return !good && pool::swap_word(slot, sealed, bad);
}

SegmentHost::Scanned SegmentHost::scan(const protocol::Scan& scan) const {
  constexpr std::size_t kKeyBytesMax = std::size_t{1} << 20;  // in one answer
  Scanned result;
  std::size_t key_bytes = 0;
  std::uint32_t slot = scan.first_slot;
  const std::uint64_t end =
      std::min<std::uint64_t>(std::uint64_t{slot} + scan.slots, granted_slots_);
  for (; slot < end && result.found.size() < scan.entries_max && key_bytes < kKeyBytesMax; ++slot) {
    const std::uint64_t generation = generations_[slot];
    if (view_.slot(slot).word.load(std::memory_order_acquire) !=
        SlotWord{generation, SlotState::kSealed}.raw()) {
      continue;
    }
    std::vector<std::uint64_t> digests;
    pool::SlotContent content;
    const auto header = checked_header(slot, generation, 0, digests, content);
    if (header.empty()) {
      continue;
    }
    const auto names = pool::names_in_header(header);
    if (names.name_space == scan.name_space && names.key.starts_with(scan.prefix)) {
      result.found.push_back({slot, generation, std::string(names.key)});
      key_bytes += names.key.size();
    }
  }
  result.next_slot = slot;
  result.end = slot >= granted_slots_;
  return result;
}

// Behind the end of the file, a byte for each user.
std::uint64_t SegmentHost::lock_of(std::uint32_t user) const {
  return view_.shape().total_bytes() + 1 + user;
}

Result<SegmentHost::HandedOut> SegmentHost::hand_out() {
  auto fd = memory::reopen(fd_.get());
  if (!fd) {
    return std::move(fd).error();
  }
  const std::uint32_t user = take_user();
  if (user < pool::kUsersMax) {
    if (auto locked = memory::lock_byte(fd->get(), lock_of(user)); !locked) {
      users_taken_ &= ~(std::uint64_t{1} << user);
      return std::move(locked).error();
    }
  }
  return HandedOut{*std::move(fd), user};
}

std::uint32_t SegmentHost::take_user() {
  const auto user = static_cast<std::uint32_t>(std::countr_one(users_taken_));
  if (user < pool::kUsersMax) {
    users_taken_ |= std::uint64_t{1} << user;
  }
  return std::min(user, pool::kUsersMax);
}

}  // namespace aquifer::node
