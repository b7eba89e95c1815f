#include "memory/shared_memory.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "base/strings.h"
#include "memory/fault_guard.h"

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif

namespace aquifer::memory {
namespace {

using base::cat;

Error os_error(const std::string& what, int number) {
  return {Status::kIo, cat(what, ": ", std::strerror(number)), {}};
}

std::string folder_of(const std::string& path) {
  const auto slash = path.rfind('/');
  return slash == std::string::npos ? "." : path.substr(0, slash + 1);
}

}  // namespace

Result<Mapping> Mapping::map(int fd, std::size_t bytes) {
  void* address = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (address == MAP_FAILED) {
    return os_error(cat("cannot map ", bytes, " bytes of shared memory"), errno);
  }
  madvise(address, bytes, MADV_DONTFORK);  // a child must not keep the segment's lock alive
  madvise(address, bytes, MADV_DONTDUMP);
  install_fault_handler();
  Mapping mapping;
  mapping.data_ = static_cast<std::byte*>(address);
  mapping.bytes_ = bytes;
  return mapping;
}

Mapping::Mapping(Mapping&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)), bytes_(std::exchange(other.bytes_, 0)) {}

Mapping& Mapping::operator=(Mapping&& other) noexcept {
  std::swap(data_, other.data_);
  std::swap(bytes_, other.bytes_);
  return *this;
}

Mapping::~Mapping() {
  if (data_ != nullptr) {
    munmap(data_, bytes_);
  }
}

Result<base::UniqueFd> make_anonymous(const std::string& name, std::uint64_t bytes) {
  base::UniqueFd fd(memfd_create(name.c_str(), MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (!fd) {
    return os_error("cannot make anonymous shared memory", errno);
  }
  if (ftruncate(fd.get(), static_cast<off_t>(bytes)) != 0) {
    return os_error(cat("cannot size shared memory to ", bytes, " bytes"), errno);
  }
  if (fcntl(fd.get(), F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW) != 0) {
    return os_error("cannot seal shared memory", errno);
  }
  return fd;
}

Result<base::UniqueFd> make_in_folder(const std::string& path, std::uint64_t bytes) {
  const std::string folder = folder_of(path);
  struct statvfs room;
  if (statvfs(folder.c_str(), &room) != 0) {
    Error error = os_error(cat("cannot use the segments folder ", folder), errno);
    error.hint = "make the folder, or name another with --segments";
    return error;
  }
  const std::uint64_t free_bytes = std::uint64_t{room.f_bavail} * room.f_frsize;
  if (free_bytes < bytes) {
    return Error{
        Status::kNoSpace,
        cat("the file system of ", folder, " has ", free_bytes, " bytes free, the segment needs ",
            bytes),
        "give less with --dram, enlarge the file system, or name another folder with --segments"};
  }
  base::UniqueFd fd(open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (!fd) {
    const int number = errno;
    Error error = os_error(cat("cannot make the segment file ", path), number);
    if (number == EEXIST) {
      error.code = Status::kConflict;
      error.hint =
          "another node of this name uses the folder, or one left it behind: remove the file if "
          "none runs";
    }
    return error;
  }
  if (ftruncate(fd.get(), static_cast<off_t>(bytes)) != 0) {
    const int number = errno;
    unlink(path.c_str());
    return os_error(cat("cannot size ", path, " to ", bytes, " bytes"), number);
  }
  return fd;
}

Result<void> populate(int fd, const Mapping& mapping, std::uint64_t offset, std::uint64_t bytes) {
  // First as file space, where a lack of room is an error code; then into the page table, where it
  // would be a signal.
  if (fallocate(fd, 0, static_cast<off_t>(offset), static_cast<off_t>(bytes)) != 0 &&
      errno != EOPNOTSUPP) {
    const int number = errno;
    Error error = os_error(cat("cannot get ", bytes, " bytes of memory for the segment"), number);
    error.code = number == ENOSPC ? Status::kNoSpace : Status::kIo;
    error.hint = "the file system or the memory of this host is full: give less with --dram";
    return error;
  }
  if (madvise(mapping.data() + offset, bytes, MADV_POPULATE_WRITE) != 0 && errno != EINVAL) {
    const int number = errno;
    Error error = os_error(cat("cannot map in ", bytes, " bytes of the segment"), number);
    error.code = number == ENOMEM || number == EFAULT ? Status::kNoSpace : Status::kIo;
    error.hint = "the file system or the memory of this host is full: give less with --dram";
    return error;
  }
  return {};
}

Result<base::UniqueFd> reopen(int fd) {
  const std::string path = cat("/proc/self/fd/", fd);
  base::UniqueFd fresh(open(path.c_str(), O_RDWR | O_CLOEXEC));
  if (!fresh) {
    return os_error("cannot open the segment anew", errno);
  }
  return fresh;
}

Result<void> lock_byte(int fd, std::uint64_t position) {
  struct flock lock {};
  lock.l_type = F_WRLCK;
  lock.l_whence = SEEK_SET;
  lock.l_start = static_cast<off_t>(position);
  lock.l_len = 1;
  if (fcntl(fd, F_OFD_SETLK, &lock) != 0) {
    const int number = errno;
    Error error = os_error("cannot lock the segment", number);
    if (number == EAGAIN || number == EACCES) {
      error.code = Status::kConflict;
    }
    return error;
  }
  return {};
}

bool byte_is_locked(int fd, std::uint64_t position) {
  struct flock lock {};
  lock.l_type = F_WRLCK;
  lock.l_whence = SEEK_SET;
  lock.l_start = static_cast<off_t>(position);
  lock.l_len = 1;
  // When the kernel cannot say, the writer counts as alive: limbo is safe, reuse is not.
  return fcntl(fd, F_OFD_GETLK, &lock) != 0 || lock.l_type != F_UNLCK;
}

}  // namespace aquifer::memory
