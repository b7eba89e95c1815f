#include "node/open_writes.h"

#include "pool/object.h"

namespace aquifer::node {

std::shared_ptr<OpenWrite> OpenWrites::enter(std::uint32_t slot, std::uint64_t generation,
                                             const base::PutId& put, std::uint64_t value_bytes) {
  const std::lock_guard lock(mutex_);
  auto& entry = by_slot_[slot];
  const std::uint64_t pages = pool::page_count(value_bytes);
  if (entry != nullptr && entry->generation == generation &&
      (entry->put != put || entry->page_digests.size() != pages)) {
    return nullptr;
  }
  if (entry != nullptr && entry->generation > generation) {
    return nullptr;
  }
  if (entry == nullptr || entry->generation != generation) {
    entry = std::make_shared<OpenWrite>();
    entry->generation = generation;
    entry->put = put;
    entry->page_digests.resize(pages);
    entry->page_whole.resize(entry->page_digests.size());
  }
  return entry;
}

void OpenWrites::fence(std::uint32_t slot) {
  std::shared_ptr<OpenWrite> entry;
  {
    const std::lock_guard lock(mutex_);
    const auto found = by_slot_.find(slot);
    if (found == by_slot_.end()) {
      return;
    }
    entry = std::move(found->second);
    by_slot_.erase(found);
  }
  const std::lock_guard wait_for_the_write_in_hand(entry->mutex);
}

void OpenWrites::fence_all() {
  std::unordered_map<std::uint32_t, std::shared_ptr<OpenWrite>> all;
  {
    const std::lock_guard lock(mutex_);
    all.swap(by_slot_);
  }
  for (const auto& [slot, entry] : all) {
    const std::lock_guard wait_for_the_write_in_hand(entry->mutex);
  }
}

}  // namespace aquifer::node
