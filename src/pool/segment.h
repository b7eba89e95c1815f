// The self-describing segment: header, catalog of slots, data. What lies here is enough to know,
// without asking anyone, which objects the segment holds. Everything read from it is checked before
// it is used: another process may write it, and memory may be damaged.
//
//   0            4096                    data_offset                         data_offset +
//   data_bytes | header     | slot 0 | slot 1 | ... | data, in units of 512 bytes ...   |
//
// Every change of a slot's state is one compare-and-swap of its word (generation << 8 | state). The
// life of a slot:
//
//   free(g) -> granted(g+1) -> sealed(g+1) -> retired(g+1) -> granted(g+2) ...
//                   |  the writer may still write: limbo(g+1) until it is provably gone
//
// An object of a group is first *prepared*, which is sealed to everybody but readers and a report;
// the node seals it when meta has found that the whole group is prepared.
//
// A client that looks at an object in place, or writes one, sets its bit in the slot's `users` and
// then looks at the word; whoever takes the slot back changes the word and then looks at `users`.
// Both in the one order of all sequentially consistent operations, so one of the two sees the
// other: no view and no write of a slot begins after it was taken back, and no slot is granted anew
// while somebody is still at it.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "aquifer/result.h"
#include "aquifer/types.h"
#include "base/ids.h"
#include "pool/object.h"

namespace aquifer::pool {

inline constexpr std::uint64_t kUnitBytes = 512;
inline constexpr std::size_t kExtentsMax = 8;
inline constexpr std::uint64_t kSegmentMagic = 0x3147455351415141;  // "AQAQSEG1"
inline constexpr std::uint32_t kLayoutVersion = 6;
inline constexpr std::size_t kMembersMax = 256;  ///< nodes that a segment remembers
inline constexpr std::size_t kGoneMax = 64;      ///< and segments that were given up
inline constexpr std::uint32_t kUsersMax =
    64;  ///< clients of a segment that may use slots in place

enum class SlotState : std::uint8_t {
  kFree = 0,      ///< nobody's; fresh memory reads so, with generation 0
  kGranted = 1,   ///< meta may hand it out; its writer may write
  kSealed = 2,    ///< holds an object
  kRetired = 3,   ///< its object is gone, no reader will accept it
  kLimbo = 4,     ///< taken from a writer who may still write
  kBad = 5,       ///< the node found the object damaged
  kPrepared = 6,  ///< holds an object of a group that is not published yet
};

/// The value of a slot's word.
struct SlotWord {
  std::uint64_t generation = 0;  ///< 56 bits, never going back
  SlotState state = SlotState::kFree;

  static SlotWord of(std::uint64_t raw) { return {raw >> 8, static_cast<SlotState>(raw & 0xff)}; }
  std::uint64_t raw() const { return generation << 8 | static_cast<std::uint64_t>(state); }
  bool operator==(const SlotWord&) const = default;
};

/// A run of units of the data area.
struct Extent {
  std::uint32_t first_unit = 0;
  std::uint32_t units = 0;
  bool operator==(const Extent&) const = default;
};

/// What a slot says of its replica. Plain value.
struct SlotContent {
  base::PutId put{};
  std::uint64_t header_digest = 0;
  std::uint32_t value_bytes = 0;
  base::GroupPlace group{};
  std::uint32_t header_bytes = 0;
  std::uint16_t extent_count = 0;
  std::uint16_t replicas = 1;  ///< that its put asked for
  std::array<Extent, kExtentsMax> extents{};

  std::span<const Extent> used_extents() const { return {extents.data(), extent_count}; }
  std::uint64_t stored_bytes() const { return pool::stored_bytes(value_bytes, header_bytes); }
};

/// A slot as it lies in shared memory.
struct Slot {
  std::atomic<std::uint64_t> word;
  SlotContent content;
  std::uint64_t checksum;            ///< of content and generation
  std::atomic<std::uint64_t> users;  ///< a bit per client that looks at it in place, or writes it
};
static_assert(sizeof(Extent) == 8 && sizeof(SlotContent) == 104 && sizeof(Slot) == 128);
static_assert(std::atomic<std::uint64_t>::is_always_lock_free &&
              std::is_trivially_copyable_v<SlotContent>);
inline constexpr std::size_t kSlotStride = 128;

/// The first page of a segment. The words change; the rest is written once, under the checksum.
struct SegmentHeader {
  std::uint64_t magic;
  std::uint32_t layout_version;
  std::uint32_t slot_count;
  base::SegmentId segment;
  base::NodeId node;
  std::uint64_t data_offset;
  std::uint64_t data_bytes;
  std::uint64_t checksum;  ///< of the fields above
  std::atomic<std::uint64_t>
      live;  ///< 1 while the segment serves; 0 once it is replaced, set aside or dropped
  std::atomic<std::uint64_t> pool;   ///< id of the pool it belongs to; 0: none yet
  std::atomic<std::uint64_t> epoch;  ///< number of the highest epoch accepted
  std::atomic<std::uint64_t>
      granted_units;  ///< data below this was granted to that epoch or an earlier one
  /// When the node last said that it lives and is a member, in milliseconds of CLOCK_MONOTONIC. A
  /// reader of this host that trusts a remembered handle looks at it: meta forgets a silent node,
  /// and what is removed or replaced then is not marked here.
  std::atomic<std::uint64_t> heartbeat_ms;
  std::atomic<std::uint64_t> granted_slots;  ///< slots below this have been granted at some time
  /// Views that each client holds, and slots that it writes; no bit of a client is set anywhere
  /// while both its numbers are zero.
  std::array<std::atomic<std::uint64_t>, kUsersMax> views;
  std::array<std::atomic<std::uint64_t>, kUsersMax> writes;
  /// The nodes of the pool whose memory outlives their processes, the first of them; zero where
  /// there are no more. For the next meta, should this node be the first that it hears.
  std::array<std::atomic<std::uint64_t>, kMembersMax> members;
  /// Segments that the pool has given up lately: what was removed since may lie there.
  std::array<std::atomic<std::uint64_t>, kGoneMax> gone;
};
static_assert(std::is_standard_layout_v<SegmentHeader> && sizeof(SegmentHeader) == 3688);

/// Older than this, a heartbeat proves nothing. Shorter than the time after which meta forgets a
/// node.
inline constexpr std::chrono::milliseconds kHeartbeatLease{1000};
std::uint64_t monotonic_ms();

/// Sizes of a segment with a given data area.
struct SegmentShape {
  std::uint32_t slot_count = 0;
  std::uint64_t data_offset = 0;
  std::uint64_t data_bytes = 0;
  std::uint64_t total_bytes() const { return data_offset + data_bytes; }

  /// One slot for 4 KiB of data (at least 256); `data_bytes` is rounded up to 64 KiB.
  static SegmentShape for_data(std::uint64_t data_bytes);
};

/// Typed, checked access to a mapped segment. A value; the mapping outlives it. Thread-safe as its
/// words are.
class SegmentView {
 public:
  SegmentView() = default;

  /// Lays out a fresh, zeroed segment whose first page is populated.
  static SegmentView format(std::byte* base, const SegmentShape& shape, base::SegmentId segment,
                            base::NodeId node);

  /// Checks that `bytes` bytes at `base` are a segment of this layout. Errors: kVersionMismatch,
  /// kIntegrity.
  static Result<SegmentView> open(std::byte* base, std::uint64_t bytes);

  SegmentHeader& header() const { return *reinterpret_cast<SegmentHeader*>(base_); }
  std::byte* base() const { return base_; }
  base::SegmentId id() const { return segment_; }
  std::uint32_t slot_count() const { return shape_.slot_count; }
  const SegmentShape& shape() const { return shape_; }
  /// Requires index < slot_count().
  Slot& slot(std::uint32_t index) const {
    return *reinterpret_cast<Slot*>(base_ + kFirstSlot + std::size_t{index} * kSlotStride);
  }
  /// Offset of a slot within the segment.
  static std::uint64_t slot_offset(std::uint32_t index) {
    return kFirstSlot + std::uint64_t{index} * kSlotStride;
  }

  /// True if the extents lie inside the data area, do not overlap, and hold `stored_bytes`.
  bool extents_fit(std::span<const Extent> extents, std::uint64_t stored_bytes) const;

  /// The memory of extents that fit, as pieces; their number. `pieces` holds kExtentsMax.
  std::size_t resolve(std::span<const Extent> extents, std::uint64_t stored_bytes,
                      std::span<Piece> pieces) const;

 private:
  static constexpr std::size_t kFirstSlot = 4096;
  std::byte* base_ = nullptr;
  base::SegmentId
      segment_{};  // copies: the header may be damaged later, the view stays what it was
  SegmentShape shape_{};
};

/// What the writer of a slot seals it as.
constexpr SlotState sealed_state(base::GroupPlace group) {
  return group ? SlotState::kPrepared : SlotState::kSealed;
}

/// Swaps the word from `expected` to `desired`; false when it was something else. Sequentially
/// consistent on success.
bool swap_word(Slot& slot, SlotWord expected, SlotWord desired);

/// Writes what the slot says of its replica; the generation is the one that will be sealed.
/// Requires the slot to be granted to the caller.
void write_content(Slot& slot, std::uint64_t generation, const SlotContent& content);

/// Reads it back; nothing when the checksum, the counts or the generation say it is damaged or
/// another's.
std::optional<SlotContent> read_content(const Slot& slot, std::uint64_t generation);

}  // namespace aquifer::pool
