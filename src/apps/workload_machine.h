// What a measurement has to say about the machine it ran on, and how much memory it must rotate
// over so that no cache answers. Read from procfs and sysfs; a missing file leaves its field at
// "unknown".
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

namespace aquifer::apps {

struct Machine {
  std::string processor = "unknown";
  unsigned cores = 1;                       ///< those this process may run on
  std::uint64_t cache_bytes = 64ull << 20;  ///< last-level cache; 64 MiB when it cannot be read
  bool cache_known = false;
  std::uint64_t memory_bytes = 0;
  std::uint64_t available_bytes = 0;  ///< what can be had without swapping
  std::string kernel = "unknown";
  std::string huge_pages = "unknown";  ///< transparent huge pages: "always", "madvise", "never"
};

/// Looks below `root`, which is "/" but in tests.
Machine read_machine(const std::filesystem::path& root = "/");

/// Bytes to rotate over: 4 times the last-level cache or 2 GiB, whichever is smaller.
std::uint64_t rotation_bytes(const Machine& machine);

}  // namespace aquifer::apps
