// Shared memory as a file descriptor: made by a node (anonymous, or a file of a folder), mapped by
// anyone who is handed the descriptor. Not here: what the bytes mean (pool/segment.h).
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "aquifer/result.h"
#include "base/unique_fd.h"

namespace aquifer::memory {

/// A shared mapping of a whole file. Not inherited by a forked child. Move-only.
class Mapping {
 public:
  /// Maps `bytes` bytes of `fd` for reading and writing; the descriptor may be closed afterwards.
  /// Errors: kIo.
  static Result<Mapping> map(int fd, std::size_t bytes);

  Mapping() = default;
  Mapping(Mapping&& other) noexcept;
  Mapping& operator=(Mapping&& other) noexcept;
  ~Mapping();

  std::byte* data() const { return data_; }
  std::size_t size() const { return bytes_; }

 private:
  std::byte* data_ = nullptr;
  std::size_t bytes_ = 0;
};

/// A file in memory of its own (memfd), sealed against shrinking. Errors: kIo.
Result<base::UniqueFd> make_anonymous(const std::string& name, std::uint64_t bytes);

/// A file in a folder (a tmpfs, hugetlbfs or memory device), made fresh; one that a killed process
/// left behind is replaced. Refuses when the file system cannot hold it. Errors: kConflict (a
/// living process owns it), kNoSpace (naming folder, wanted and free bytes), kIo.
Result<base::UniqueFd> make_in_folder(const std::string& path, std::uint64_t bytes);

/// The file that an earlier process has left, owned from here on. Errors: kNotFound, kConflict (a
/// living process owns it), kIo.
Result<base::UniqueFd> open_in_folder(const std::string& path);

/// Bytes that the file system of a folder has free. Errors: kIo.
Result<std::uint64_t> free_in_folder(const std::string& folder);

/// The size of a file, bytes. Errors: kIo.
Result<std::uint64_t> size_of(int fd);

/// Refuses what can never be had: more than the host, or the cgroup, has memory. Errors: kNoSpace.
Result<void> check_memory(std::uint64_t bytes);

/// Gives real pages to [offset, offset + bytes) of the file and maps them in, so that no later
/// access faults for want of memory. Takes long for large ranges: call it from a helper thread in
/// steps. Errors: kNoSpace, kIo.
Result<void> populate(int fd, const Mapping& mapping, std::uint64_t offset, std::uint64_t bytes);

/// Opens the file behind `fd` anew, as a description of its own (its locks are its own). Errors:
/// kIo.
Result<base::UniqueFd> reopen(int fd);

/// Locks byte `position` (beyond the end is fine) for the open file description of `fd`. The lock
/// lives as long as the description: until its last descriptor is closed and its last mapping is
/// gone. Errors: kConflict, kIo.
Result<void> lock_byte(int fd, std::uint64_t position);

/// True while some other open file description holds the lock on byte `position`.
bool byte_is_locked(int fd, std::uint64_t position);

}  // namespace aquifer::memory
