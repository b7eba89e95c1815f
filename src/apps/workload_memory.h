// A populated range of memory for a workload's buffers: anonymous, or shared with processes forked
// later. Exists so that no page fault falls into a measurement. Not the pool's memory
// (src/memory/).
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <span>

#include "aquifer/result.h"

namespace aquifer::apps {

/// Makes every page of a writable mapping present in this process; false, with errno, when the
/// system refuses. Only system calls and stores, so a forked child may call it.
bool populate(std::span<std::byte> bytes);

/// Bytes of real memory behind the shared files that a process of this user has open (memfds, files
/// of a tmpfs), mapped or not; 0 when the system does not say.
std::uint64_t shared_file_bytes(pid_t process);

/// Bytes of shared memory that this process has mapped by huge pages; 0 when the system does not
/// say.
std::uint64_t huge_shared_bytes();

/// An owned mapping; every page is present and writable. Movable.
class Mapping {
 public:
  enum class Kind {
    kPrivate,  ///< like an engine's own buffers; a forked process does not have it
    kShared,   ///< a memfd, as a pool's segment is; forked processes see the same bytes
  };

  /// Maps and populates `bytes` (more than zero). Errors: kIo, with what the system said.
  static Result<Mapping> make(Kind kind, std::size_t bytes);

  Mapping(Mapping&& other) noexcept;
  Mapping& operator=(Mapping&& other) noexcept;
  ~Mapping();

  std::span<std::byte> bytes() const { return bytes_; }

 private:
  explicit Mapping(std::span<std::byte> bytes) : bytes_(bytes) {}
  std::span<std::byte> bytes_;
};

}  // namespace aquifer::apps
