// What a process holds: to be the same after a pool has come and gone.
#pragma once

#include <chrono>
#include <string>

namespace aquifer::contention {

/// Threads, descriptors and shared mappings of this process, its children, and files of ours in
/// /dev/shm.
struct Holdings {
  std::size_t threads = 0;
  std::size_t descriptors = 0;
  std::size_t shared_mappings = 0;
  std::size_t children = 0;
  std::size_t shm_files = 0;

  bool operator==(const Holdings&) const = default;
  std::string text() const;
};

Holdings holdings_now();

/// Waits until the process holds `before` again; what it holds at last.
Holdings wait_for(const Holdings& before, std::chrono::milliseconds patience);

}  // namespace aquifer::contention
