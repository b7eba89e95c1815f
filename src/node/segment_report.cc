// What a segment tells a meta that does not know it: first everything that was granted is fenced,
// then slot after slot is looked at. Slots and headers are checked, extents may not overlap; the
// bytes of values are checked by who reads them.
#include <algorithm>

#include "memory/fault_guard.h"
#include "node/segment_host.h"
#include "pool/object.h"

namespace aquifer::node {

using pool::SlotState;
using pool::SlotWord;

namespace {

// A part of the report is bounded in what it looks at (Options::report_slots) and in what it says.
constexpr std::size_t kObjectsPerStep = 2048;
constexpr std::size_t kRunsPerStep = 1u << 16;

base::SmallVector<protocol::Run, 1> runs_of(const pool::SlotContent& content) {
  base::SmallVector<protocol::Run, 1> runs;
  for (const pool::Extent& extent : content.used_extents()) {
    runs.push_back({extent.first_unit, extent.units});
  }
  return runs;
}

}  // namespace

void SegmentHost::begin_report() {
  for (std::uint32_t slot = 0; slot < granted_slots_; ++slot) {
    pool::swap_word(view_.slot(slot), {generations_[slot], SlotState::kGranted},
                    {generations_[slot], SlotState::kLimbo});
  }
  open_writes_.fence_all();
  limbo_.clear();
  report_ = {};
  report_.units = granted_units_;
  report_.claimed.resize(granted_units_);
}

protocol::Recovered SegmentHost::report_step(const base::KeyHasher& hasher) {
  protocol::Recovered out;
  out.segment = view_.id();
  const std::uint32_t end =
      report_.next_slot + std::min(granted_slots_ - report_.next_slot, options_.report_slots);
  while (report_.next_slot < end && out.objects.size() < kObjectsPerStep) {
    report_slot(report_.next_slot++, hasher, out);
  }
  if (report_.next_slot == granted_slots_) {
    report_.held = !report_.unknown.empty();
    out.end = report_.held;
    if (!report_.held) {
      out.free_runs = next_unclaimed();
      out.end = report_.next_unit == report_.units;
    }
  }
  return out;
}

void SegmentHost::report_slot(std::uint32_t index, const base::KeyHasher& hasher,
                              protocol::Recovered& out) {
  const std::uint64_t generation = generations_[index];
  pool::Slot& slot = view_.slot(index);
  const auto word = SlotWord::of(slot.word.load(std::memory_order_acquire));
  const bool prepared = word.state == SlotState::kPrepared;
  if (word.generation == generation && (prepared || word.state == SlotState::kSealed)) {
    std::vector<std::uint64_t> digests;
    pool::SlotContent content;
    const auto header = checked_header(index, generation, 0, digests, content);
    if (!header.empty() && claim(content)) {
      const auto names = pool::names_in_header(header);
      const base::Hash128 hash = hasher(names.name_space, names.key);
      out.objects.push_back({hash.low, hash.high, content.put, content.value_bytes,
                             content.header_digest, index, generation, content.replicas,
                             runs_of(content), content.group, prepared});
      return;
    }
    pool::swap_word(slot, word, {generation, SlotState::kBad});
  }
  if (!is_used(index) || options_.faults.frees_granted) {
    out.free_slots.push_back({index, take_back(index, generation)});
    return;
  }
  limbo_.push_back({index, generation});
  std::optional<pool::SlotContent> content;
  const bool readable = memory::guarded(view_.base(), view_.shape().total_bytes(),
                                        [&] { content = pool::read_content(slot, generation); });
  if (readable && content && view_.extents_fit(content->used_extents(), content->stored_bytes()) &&
      claim(*content)) {
    out.limbo.push_back({index, generation, runs_of(*content)});
  } else {
    out.limbo.push_back({index, generation, {}});
    report_.unknown.push_back(index);
  }
}

// Takes the units of a replica, unless some of them are taken or were never granted.
bool SegmentHost::claim(const pool::SlotContent& content) {
  for (const pool::Extent& extent : content.used_extents()) {
    const std::uint64_t end = std::uint64_t{extent.first_unit} + extent.units;
    if (end > report_.units) {
      return false;
    }
    const auto first = report_.claimed.begin() + extent.first_unit;
    if (std::find(first, first + extent.units, true) != first + extent.units) {
      return false;
    }
  }
  for (const pool::Extent& extent : content.used_extents()) {
    std::fill_n(report_.claimed.begin() + extent.first_unit, extent.units, true);
  }
  return true;
}

// The next runs that nothing claims, as many as a message holds.
std::vector<protocol::Run> SegmentHost::next_unclaimed() {
  constexpr std::uint32_t kUnitsMax = 1u << 30;
  std::vector<protocol::Run> runs;
  const auto begin = report_.claimed.begin();
  while (report_.next_unit < report_.units && runs.size() < kRunsPerStep) {
    const auto first = std::find(begin + report_.next_unit, report_.claimed.end(), false);
    const auto end = std::find(first, report_.claimed.end(), true);
    const auto units = static_cast<std::uint32_t>(std::min<std::ptrdiff_t>(end - first, kUnitsMax));
    if (units != 0) {
      runs.push_back({static_cast<std::uint32_t>(first - begin), units});
    }
    report_.next_unit = static_cast<std::uint32_t>(first - begin) + units;
  }
  return runs;
}

std::vector<protocol::Run> SegmentHost::take_held_runs() {
  if (!report_.held) {
    return {};
  }
  std::erase_if(report_.unknown, [&](std::uint32_t slot) {
    return std::none_of(limbo_.begin(), limbo_.end(),
                        [&](const auto& waiting) { return waiting.slot == slot; });
  });
  if (!report_.unknown.empty()) {
    return {};
  }
  auto runs = next_unclaimed();
  report_.held = report_.next_unit < report_.units;
  return runs;
}

}  // namespace aquifer::node
