// What every get does to a slot and a header: look at the word, read the content under its
// checksum, check the header that was copied out.
#include <benchmark/benchmark.h>

#include <cstdlib>
#include <memory>
#include <vector>

#include "pool/object.h"
#include "pool/segment.h"

namespace aquifer::pool {
namespace {

struct FreeBytes {
  void operator()(std::byte* bytes) const { std::free(bytes); }
};

/// A formatted segment in plain memory, all of whose slots are sealed.
class Segment {
 public:
  Segment() {
    const SegmentShape shape = SegmentShape::for_data(64 << 20);
    const std::size_t bytes = (shape.total_bytes() + 4095) / 4096 * 4096;
    memory_.reset(static_cast<std::byte*>(std::aligned_alloc(4096, bytes)));
    std::fill_n(memory_.get(), bytes, std::byte{0});
    view_ = SegmentView::format(memory_.get(), shape, {1}, {2});
    for (std::uint32_t slot = 0; slot < view_.slot_count(); ++slot) {
      SlotContent content;
      content.put = {1, slot + 1};
      content.value_bytes = 4096;
      content.header_bytes = 192;
      content.extent_count = 1;
      content.extents[0] = {slot % 100, 9};
      write_content(view_.slot(slot), 1, content);
      view_.slot(slot).word = SlotWord{1, SlotState::kSealed}.raw();
    }
  }
  const SegmentView& view() const { return view_; }

 private:
  std::unique_ptr<std::byte, FreeBytes> memory_;
  SegmentView view_;
};

void SlotCheck(benchmark::State& state) {
  const Segment segment;
  std::uint32_t slot = 0;
  for (auto _ : state) {
    const SlotWord word = SlotWord::of(segment.view().slot(slot).word);
    if (word != SlotWord{1, SlotState::kSealed}) state.SkipWithError("a slot is not sealed");
    slot = (slot + 4099) % segment.view().slot_count();  // another line each time
  }
}

void SlotContentRead(benchmark::State& state) {
  const Segment segment;
  std::uint32_t slot = 0;
  for (auto _ : state) {
    const auto content = read_content(segment.view().slot(slot), 1);
    const bool is_good =
        content && segment.view().extents_fit(content->used_extents(), content->stored_bytes());
    if (!is_good) state.SkipWithError("a slot does not say what was written");
    slot = (slot + 4099) % segment.view().slot_count();
  }
}

void HeaderCheck(benchmark::State& state) {
  const auto value_bytes = static_cast<std::uint64_t>(state.range(0));
  const std::string key(90, 'k');
  const ObjectIdentity identity{"default", key, {1, 2}, {3}, 4, 5, value_bytes};
  const std::vector<std::uint64_t> digests(page_count(value_bytes), 7);
  const auto header = encode_header(identity, digests);
  const std::uint64_t digest = digest_of_header(identity.put, header);
  std::vector<std::uint64_t> found;
  for (auto _ : state) {
    if (!check_header(header, identity, digest, found))
      state.SkipWithError("a good header is refused");
  }
}

BENCHMARK(SlotCheck);
BENCHMARK(SlotContentRead);
BENCHMARK(HeaderCheck)->ArgName("value")->Arg(4 << 10)->Arg(8784 << 10);

}  // namespace
}  // namespace aquifer::pool
