#include "memory/shared_memory.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include <cerrno>
#include <cstring>
#include <fstream>
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

namespace {

// Bytes of physical memory.
std::uint64_t memory_of_host() {
  return static_cast<std::uint64_t>(sysconf(_SC_PHYS_PAGES)) *
         static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
}

// The limit of a container (cgroup 2 as seen from inside); no limit: the largest number.
std::uint64_t memory_of_group() {
  std::ifstream file("/sys/fs/cgroup/memory.max");
  std::uint64_t bytes = 0;
  return file >> bytes ? bytes : UINT64_MAX;
}

// Its maker holds this byte as long as it lives; it lies far behind those of clients.
constexpr std::uint64_t kOwnerByte = std::uint64_t{1} << 62;

Error is_taken(const std::string& path) {
  return {Status::kConflict, cat("a running node uses the segment file ", path),
          "stop that node, or choose another --name or folder"};
}

// A file whose maker has been killed is of no use to anyone new.
Result<void> remove_if_abandoned(const std::string& path) {
  const base::UniqueFd fd(open(path.c_str(), O_RDWR | O_NOFOLLOW | O_CLOEXEC));
  if (!fd) {
    return errno == ENOENT ? Result<void>()
                           : os_error(cat("cannot open the old segment file ", path), errno);
  }
  if (!lock_byte(fd.get(), kOwnerByte)) {
    return is_taken(path);
  }
  unlink(path.c_str());
  return {};
}

// Makes the file under a name of its own, so that it is owned already when it appears.
Result<base::UniqueFd> make_owned(const std::string& path, std::uint64_t bytes) {
  const std::string draft = cat(path, ".", getpid());
  base::UniqueFd fd(open(draft.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
  if (!fd) {
    return os_error(cat("cannot make the segment file ", draft), errno);
  }
  const auto undo = [&](Error error) {
    unlink(draft.c_str());
    return error;
  };
  if (ftruncate(fd.get(), static_cast<off_t>(bytes)) != 0) {
    return undo(os_error(cat("cannot size ", path, " to ", bytes, " bytes"), errno));
  }
  if (auto owned = lock_byte(fd.get(), kOwnerByte); !owned) {
    return undo(std::move(owned).error());
  }
  if (renameat2(AT_FDCWD, draft.c_str(), AT_FDCWD, path.c_str(), RENAME_NOREPLACE) != 0) {
    return undo(errno == EEXIST ? is_taken(path)
                                : os_error(cat("cannot make the segment file ", path), errno));
  }
  return fd;
}

}  // namespace

Result<std::uint64_t> free_in_folder(const std::string& folder) {
  struct statvfs room;
  if (statvfs(folder.c_str(), &room) != 0) {
    Error error = os_error(cat("cannot use the segments folder ", folder), errno);
    error.hint = "make the folder, or name another with --segments";
    return error;
  }
  return std::uint64_t{room.f_bavail} * room.f_frsize;
}

Result<std::uint64_t> size_of(int fd) {
  struct stat file;
  if (fstat(fd, &file) != 0) {
    return os_error("cannot look at the segment file", errno);
  }
  return static_cast<std::uint64_t>(file.st_size);
}

Result<base::UniqueFd> open_in_folder(const std::string& path) {
  base::UniqueFd fd(open(path.c_str(), O_RDWR | O_NOFOLLOW | O_CLOEXEC));
  if (!fd) {
    const int number = errno;
    Error error = os_error(cat("cannot open the segment file ", path), number);
    error.code = number == ENOENT ? Status::kNotFound : error.code;
    return error;
  }
  if (!lock_byte(fd.get(), kOwnerByte)) {
    return is_taken(path);
  }
  return fd;
}

Result<base::UniqueFd> make_in_folder(const std::string& path, std::uint64_t bytes) {
  const std::string folder = folder_of(path);
  if (auto cleared = remove_if_abandoned(path); !cleared) {
    return std::move(cleared).error();
  }
  const auto free_bytes = free_in_folder(folder);
  if (!free_bytes) {
    return free_bytes.error();
  }
  if (*free_bytes < bytes) {
    return Error{
        Status::kNoSpace,
        cat("the file system of ", folder, " has ", *free_bytes, " bytes free, the segment needs ",
            bytes),
        "give less with --dram, enlarge the file system, or name another folder with --segments"};
  }
  return make_owned(path, bytes);
}

Result<void> check_memory(std::uint64_t bytes) {
  const std::uint64_t limit = std::min(memory_of_host(), memory_of_group());
  return bytes <= limit ? Result<void>()
                        : Error{Status::kNoSpace,
                                cat("the node is to give ", bytes,
                                    " bytes, but this host, or its cgroup, has ", limit,
                                    " bytes of memory in all"),
                                "give less with --dram"};
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
