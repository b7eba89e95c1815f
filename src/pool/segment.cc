#include "pool/segment.h"

#include <algorithm>
#include <cstring>
#include <new>

#include "base/strings.h"
#include "memory/digest.h"

namespace aquifer::pool {
namespace {

constexpr std::uint64_t kDataAlignment = std::uint64_t{64} << 10;
constexpr std::uint64_t kDataPerSlot = 4096;
constexpr std::uint64_t kSlotsMin = 256;
constexpr std::size_t kHeaderFixedBytes = offsetof(SegmentHeader, checksum);

constexpr std::uint64_t round_up(std::uint64_t value, std::uint64_t to) {
  return (value + to - 1) / to * to;
}

std::uint64_t header_checksum(const SegmentHeader& header) {
  return memory::digest(kSegmentMagic, &header, kHeaderFixedBytes);
}

std::uint64_t content_checksum(std::uint64_t generation, const SlotContent& content) {
  return memory::digest(generation, &content, sizeof content);
}

}  // namespace

std::uint64_t monotonic_ms() {
  return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::milliseconds>(
                                        std::chrono::steady_clock::now().time_since_epoch())
                                        .count());
}

SegmentShape SegmentShape::for_data(std::uint64_t data_bytes) {
  SegmentShape shape;
  shape.data_bytes = round_up(std::max<std::uint64_t>(data_bytes, 1), kDataAlignment);
  shape.slot_count = static_cast<std::uint32_t>(std::min<std::uint64_t>(
      std::max(shape.data_bytes / kDataPerSlot, kSlotsMin), UINT32_MAX - 1));
  shape.data_offset =
      round_up(4096 + std::uint64_t{shape.slot_count} * kSlotStride, kDataAlignment);
  return shape;
}

SegmentView SegmentView::format(std::byte* base, const SegmentShape& shape, base::SegmentId segment,
                                base::NodeId node) {
  auto* header = new (base) SegmentHeader{};
  header->magic = kSegmentMagic;
  header->layout_version = kLayoutVersion;
  header->slot_count = shape.slot_count;
  header->segment = segment;
  header->node = node;
  header->data_offset = shape.data_offset;
  header->data_bytes = shape.data_bytes;
  header->checksum = header_checksum(*header);
  header->live.store(1, std::memory_order_release);
  SegmentView view;
  view.base_ = base;
  view.segment_ = segment;
  view.shape_ = shape;
  return view;
}

Result<SegmentView> SegmentView::open(std::byte* base, std::uint64_t bytes) {
  const auto& header = *reinterpret_cast<const SegmentHeader*>(base);
  if (bytes < 4096 || header.magic != kSegmentMagic) {
    return Error{Status::kIntegrity, "this memory is not an Aquifer segment", {}};
  }
  if (header.layout_version != kLayoutVersion) {
    return Error{Status::kVersionMismatch,
                 base::cat("the segment has layout ", header.layout_version,
                           ", this program reads ", kLayoutVersion),
                 "use the same version of aquifer on both sides"};
  }
  SegmentView view;
  view.base_ = base;
  view.segment_ = header.segment;
  view.shape_ = {header.slot_count, header.data_offset, header.data_bytes};
  const std::uint64_t slots_end = 4096 + std::uint64_t{header.slot_count} * kSlotStride;
  if (header.checksum != header_checksum(header) || header.data_offset < slots_end ||
      header.data_offset > bytes || header.data_bytes > bytes - header.data_offset) {
    return Error{Status::kIntegrity, "the header of the segment is damaged", {}};
  }
  return view;
}

bool SegmentView::extents_fit(std::span<const Extent> extents, std::uint64_t stored_bytes) const {
  if (extents.empty() || extents.size() > kExtentsMax || stored_bytes == 0) {
    return false;
  }
  const std::uint64_t units_in_all = shape_.data_bytes / kUnitBytes;
  std::array<Extent, kExtentsMax> sorted{};
  std::copy(extents.begin(), extents.end(), sorted.begin());
  const std::span<Extent> ordered(sorted.data(), extents.size());
  std::sort(ordered.begin(), ordered.end(),
            [](Extent a, Extent b) { return a.first_unit < b.first_unit; });
  std::uint64_t end = 0;
  std::uint64_t units = 0;
  for (const Extent& extent : ordered) {
    if (extent.units == 0 || extent.first_unit < end) {
      return false;
    }
    end = std::uint64_t{extent.first_unit} + extent.units;
    units += extent.units;
  }
  return end <= units_in_all && units * kUnitBytes >= stored_bytes;
}

std::size_t SegmentView::resolve(std::span<const Extent> extents, std::uint64_t stored_bytes,
                                 std::span<Piece> pieces) const {
  std::size_t count = 0;
  for (const Extent& extent : extents) {
    const std::uint64_t bytes = std::min(stored_bytes, extent.units * kUnitBytes);
    pieces[count++] = {base_ + shape_.data_offset + extent.first_unit * kUnitBytes,
                       static_cast<std::size_t>(bytes)};
    stored_bytes -= bytes;
  }
  return count;
}

bool swap_word(Slot& slot, SlotWord expected, SlotWord desired) {
  std::uint64_t raw = expected.raw();
  return slot.word.compare_exchange_strong(raw, desired.raw(), std::memory_order_seq_cst,
                                           std::memory_order_acquire);
}

void write_content(Slot& slot, std::uint64_t generation, const SlotContent& content) {
  memory::copy_digest(0, &slot.content, &content, sizeof content, memory::Stores::kCached);
  const std::uint64_t checksum = content_checksum(generation, content);
  memory::copy_digest(0, &slot.checksum, &checksum, sizeof checksum, memory::Stores::kCached);
}

std::optional<SlotContent> read_content(const Slot& slot, std::uint64_t generation) {
  SlotContent content;
  std::uint64_t checksum = 0;
  memory::copy_digest(0, &content, &slot.content, sizeof content, memory::Stores::kCached);
  memory::copy_digest(0, &checksum, &slot.checksum, sizeof checksum, memory::Stores::kCached);
  if (checksum != content_checksum(generation, content) || content.extent_count == 0 ||
      content.extent_count > kExtentsMax) {
    return std::nullopt;
  }
  return content;
}

}  // namespace aquifer::pool
