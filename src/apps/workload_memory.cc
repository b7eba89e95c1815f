#include "apps/workload_memory.h"

#include <linux/magic.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <set>
#include <string>
#include <utility>

#include "base/size.h"
#include "base/unique_fd.h"

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23  // Linux 5.14; older headers lack the name
#endif

namespace aquifer::apps {
namespace {

Error refused(std::size_t bytes) {
  return {Status::kIo,
          "cannot get " + base::format_size_rounded(bytes) + " of memory: " + std::strerror(errno),
          "free some memory, or ask for less"};
}

}  // namespace

bool populate(std::span<std::byte> bytes) {
  if (madvise(bytes.data(), bytes.size(), MADV_POPULATE_WRITE) == 0) return true;
  if (errno != EINVAL) return false;
  // A kernel that does not know the call. Changes nothing: others may be writing already.
  for (std::size_t at = 0; at < bytes.size(); at += 4096) {
    __atomic_fetch_or(reinterpret_cast<unsigned char*>(&bytes[at]), 0, __ATOMIC_RELAXED);
  }
  return true;
}

std::uint64_t shared_file_bytes(pid_t process) {
  constexpr std::uint64_t kBlockBytes = 512;  // of st_blocks
  const auto folder = std::filesystem::path("/proc") / std::to_string(process) / "fd";
  std::error_code ignored;
  std::set<std::pair<dev_t, ino_t>> seen;
  std::uint64_t bytes = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder, ignored)) {
    struct statfs system {};
    struct stat file {};
    const char* path = entry.path().c_str();
    if (statfs(path, &system) != 0 || stat(path, &file) != 0) continue;
    if (system.f_type != TMPFS_MAGIC || !S_ISREG(file.st_mode)) continue;
    if (!seen.emplace(file.st_dev, file.st_ino).second) continue;
    bytes += static_cast<std::uint64_t>(file.st_blocks) * kBlockBytes;
  }
  return bytes;
}

std::uint64_t huge_shared_bytes() {
  std::ifstream smaps("/proc/self/smaps_rollup");
  std::string word;
  std::uint64_t kibibytes = 0;
  while (smaps >> word) {
    if (word == "ShmemPmdMapped:" && smaps >> kibibytes) return kibibytes << 10;
  }
  return 0;
}

Result<Mapping> Mapping::make(Kind kind, std::size_t bytes) {
  base::UniqueFd file;
  int flags = MAP_PRIVATE | MAP_ANONYMOUS;
  if (kind == Kind::kShared) {
    file = base::UniqueFd(memfd_create("aquifer-workload", MFD_CLOEXEC));
    if (!file || ftruncate(file.get(), static_cast<off_t>(bytes)) != 0) return refused(bytes);
    flags = MAP_SHARED;
  }
  void* address = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, flags, file.get(), 0);
  if (address == MAP_FAILED) return refused(bytes);
  Mapping mapping(std::span(static_cast<std::byte*>(address), bytes));
  if (!populate(mapping.bytes_)) return refused(bytes);
  // A fork would mark every private page copy-on-write, and each next write to one would fault.
  if (kind == Kind::kPrivate) madvise(address, bytes, MADV_DONTFORK);
  return mapping;
}

Mapping::Mapping(Mapping&& other) noexcept : bytes_(std::exchange(other.bytes_, {})) {}

Mapping& Mapping::operator=(Mapping&& other) noexcept {
  std::swap(bytes_, other.bytes_);
  return *this;
}

Mapping::~Mapping() {
  if (!bytes_.empty()) munmap(bytes_.data(), bytes_.size());
}

}  // namespace aquifer::apps
