// A segment host whose memory is all there, and objects written into it by hand.
#pragma once

#include <condition_variable>
#include <cstring>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "base/check.h"
#include "memory/digest.h"
#include "node/segment_host.h"
#include "pool/object.h"

namespace aquifer::node {

inline constexpr std::uint64_t kDataBytes = 4u << 20;
inline constexpr std::string_view kSpace = "default";
inline constexpr std::string_view kKey = "key";

class SegmentFixture {
 protected:
  SegmentFixture() : host_(make_host()) { host_->grant(UINT32_MAX, UINT32_MAX); }

  /// Waits until the memory is populated, so that grants are not cut short.
  static std::unique_ptr<SegmentHost> make_host() {
    struct Progress {
      std::mutex mutex;
      std::condition_variable changed;
      bool populated = false;
    };
    auto progress = std::make_shared<Progress>();
    auto host = SegmentHost::make({kDataBytes, {}, base::NodeId{5}},
                                  [progress](const std::optional<Error>& error) {
                                    AQ_CHECK(!error.has_value());
                                    const std::lock_guard lock(progress->mutex);
                                    progress->populated = true;
                                    progress->changed.notify_all();
                                  });
    AQ_CHECK(host.ok());
    std::unique_lock lock(progress->mutex);
    AQ_CHECK(progress->changed.wait_for(lock, std::chrono::seconds(30),
                                        [&] { return progress->populated; }));
    return *std::move(host);
  }

  /// Each slot has 512 units of its own, as far as they reach.
  static pool::Extent extent_of(std::uint32_t slot, std::uint64_t stored_bytes) {
    return {slot % 16 * 512,
            static_cast<std::uint32_t>((stored_bytes + pool::kUnitBytes - 1) / pool::kUnitBytes)};
  }
  std::byte* data(std::uint32_t slot) const {
    const auto& view = host_->view();
    return view.base() + view.shape().data_offset +
           extent_of(slot, 1).first_unit * pool::kUnitBytes;
  }
  pool::SlotWord word(std::uint32_t slot) const {
    return pool::SlotWord::of(host_->view().slot(slot).word.load());
  }
  protocol::ReclaimedItem reclaim(std::uint32_t slot, std::uint64_t generation) {
    return host_->reclaim({slot, generation});
  }

  static std::vector<std::uint64_t> digests_of(const base::PutId& put, std::string_view value) {
    std::vector<std::uint64_t> digests;
    for (std::uint64_t page = 0; page < pool::page_count(value.size()); ++page) {
      digests.push_back(memory::digest(pool::page_seed(put, page),
                                       value.data() + page * pool::kPageBytes,
                                       pool::page_bytes(value.size(), page)));
    }
    return digests;
  }
  std::vector<std::byte> header_of(std::uint32_t slot, std::uint64_t generation,
                                   const base::PutId& put, std::string_view value) const {
    return pool::encode_header(
        {kSpace, kKey, put, host_->view().id(), slot, generation, value.size()},
        digests_of(put, value));
  }

  /// Writes and seals as a writer with a mapping does; what meta would know of it.
  protocol::Verify store(std::uint32_t slot, const std::string& value,
                         std::uint64_t generation = 1) {
    const base::PutId put{1, 100 + slot};
    const auto header = header_of(slot, generation, put, value);
    std::memcpy(data(slot), value.data(), value.size());
    std::memcpy(data(slot) + pool::header_offset(value.size()), header.data(), header.size());
    pool::SlotContent content;
    content.put = put;
    content.header_digest = pool::digest_of_header(put, header);
    content.value_bytes = static_cast<std::uint32_t>(value.size());
    content.header_bytes = static_cast<std::uint32_t>(header.size());
    content.extent_count = 1;
    content.extents[0] = extent_of(slot, content.stored_bytes());
    pool::Slot& at = host_->view().slot(slot);
    pool::write_content(at, generation, content);
    AQ_CHECK(pool::swap_word(at, {generation, pool::SlotState::kGranted},
                             {generation, pool::SlotState::kSealed}));
    return {host_->view().id(), slot, generation, content.header_digest};
  }

  std::unique_ptr<SegmentHost> host_;
};

}  // namespace aquifer::node
