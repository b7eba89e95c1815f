#include "memory/prefault.h"

#include <sys/mman.h>

#include <algorithm>
#include <system_error>

#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ 22
#endif

namespace aquifer::memory {

Prefault::Prefault(const Mapping& mapping)
    : mapping_(mapping),
      in_(std::make_unique<std::atomic<std::uint64_t>[]>(mapping.size() / kChunkBytes / 64 + 1)) {}

Prefault::~Prefault() {
  stopping_ = true;
  if (thread_.joinable()) thread_.join();
}

// Reading maps in the neighbours of a page with it, and pages of shared memory are then writable
// too: cheaper than populating for writing (docs/performance.md).
void Prefault::map_in(std::uint64_t chunk) {
  const std::uint64_t first = chunk * kChunkBytes;
  madvise(mapping_.data() + first, std::min(kChunkBytes, mapping_.size() - first),
          MADV_POPULATE_READ);
  const std::uint64_t bit = std::uint64_t{1} << chunk % 64;
  if ((in_[chunk / 64].fetch_or(bit, std::memory_order_relaxed) & bit) == 0) {
    chunks_in_.fetch_add(1, std::memory_order_relaxed);
  }
}

void Prefault::run_ahead(std::uint64_t first, std::uint64_t end) {
  try {
    thread_ = std::thread([this, first, end] {
      for (std::uint64_t at = first; at < end && !stopping_; at += kChunkBytes) ensure(at, 1);
    });
  } catch (const std::system_error&) {
    // No thread to be had: pages are mapped in when they are needed.
  }
}

}  // namespace aquifer::memory
