#include "sim/segment_memory.h"

#include <cstring>

namespace aquifer::sim {
namespace {

constexpr std::size_t kPage = 4096;

std::byte* aligned(std::byte* at) {
  return at + (kPage - reinterpret_cast<std::uintptr_t>(at) % kPage) % kPage;
}

}  // namespace

SegmentMemory::SegmentMemory(std::uint64_t data_bytes, base::SegmentId id, base::NodeId node) {
  // A smaller catalog than a real one: there are few objects, and it is looked through often.
  pool::SegmentShape shape;
  shape.slot_count = kSlots;
  shape.data_offset = kPage + std::uint64_t{kSlots} * pool::kSlotStride;
  shape.data_bytes = data_bytes;
  bytes.reset(new std::byte[shape.total_bytes() + kPage]);
  std::byte* const base = aligned(bytes.get());
  std::memset(base, 0, shape.data_offset);  // what nobody has written is read by nobody
  view = pool::SegmentView::format(base, shape, id, node);
}

}  // namespace aquifer::sim
