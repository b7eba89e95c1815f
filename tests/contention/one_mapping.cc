#include "one_mapping.h"

#if defined(AQUIFER_THREAD_SANITIZER)

#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <deque>
#include <map>
#include <mutex>
#include <vector>

extern "C" {
void* __real_mmap(void* address, std::size_t bytes, int rights, int flags, int fd, off_t offset);
int __real_munmap(void* address, std::size_t bytes);
ssize_t __real_recv(int fd, void* to, std::size_t bytes, int flags);
ssize_t __real_sendmsg(int fd, const msghdr* message, int flags);
}

namespace aquifer::contention {
namespace {

/// A file as it is mapped. A description of it is held for each mapping that was asked for, because
/// a client's lock lives as long as its mapping; which one an unmapping means cannot be told, so
/// all are held until only the first is left.
struct Shared {
  dev_t device = 0;
  ino_t file = 0;
  std::size_t bytes = 0;
  std::size_t uses = 0;
  std::vector<int> descriptions;
};

std::mutex mutex;
std::map<void*, Shared> by_address;
std::size_t shared_count = 0;

void* map_once(std::size_t bytes, int rights, int fd) {
  struct stat found {};
  if (fstat(fd, &found) != 0) return MAP_FAILED;
  const std::lock_guard lock(mutex);
  for (auto& [address, shared] : by_address) {
    if (shared.device != found.st_dev || shared.file != found.st_ino) continue;
    ++shared.uses;
    ++shared_count;
    shared.descriptions.push_back(dup(fd));
    return address;
  }
  void* address = __real_mmap(nullptr, bytes, rights, MAP_SHARED, fd, 0);
  if (address != MAP_FAILED) by_address[address] = {found.st_dev, found.st_ino, bytes, 1, {}};
  return address;
}

bool is_shared(const void* address) {
  const std::lock_guard lock(mutex);
  for (const auto& [base, shared] : by_address) {
    if (address >= base && address < static_cast<char*>(base) + shared.bytes) return true;
  }
  return false;
}

// The kernel's own copies race with readers and writers as ours do, and by the same design; here
// they are done as ours are.
void store_bytes(void* to, const char* from, std::size_t bytes) {
  for (std::size_t i = 0; i < bytes; ++i) {
    __atomic_store_n(static_cast<char*>(to) + i, from[i], __ATOMIC_RELAXED);
  }
}

std::vector<char> load_bytes(const void* from, std::size_t bytes) {
  std::vector<char> loaded(bytes);
  for (std::size_t i = 0; i < bytes; ++i) {
    loaded[i] = __atomic_load_n(static_cast<const char*>(from) + i, __ATOMIC_RELAXED);
  }
  return loaded;
}

}  // namespace

std::size_t mappings_shared() {
  const std::lock_guard lock(mutex);
  return shared_count;
}

}  // namespace aquifer::contention

extern "C" void* __wrap_mmap(void* address, std::size_t bytes, int rights, int flags, int fd,
                             off_t offset) {
  if (address == nullptr && flags == MAP_SHARED && fd >= 0 && offset == 0) {
    return aquifer::contention::map_once(bytes, rights, fd);
  }
  return __real_mmap(address, bytes, rights, flags, fd, offset);
}

extern "C" int __wrap_munmap(void* address, std::size_t bytes) {
  using namespace aquifer::contention;
  const std::lock_guard lock(mutex);
  const auto found = by_address.find(address);
  if (found == by_address.end()) return __real_munmap(address, bytes);
  Shared& shared = found->second;
  if (--shared.uses <= 1) {
    for (const int description : shared.descriptions) close(description);
    shared.descriptions.clear();
  }
  if (shared.uses > 0) return 0;
  by_address.erase(found);
  return __real_munmap(address, bytes);
}

extern "C" ssize_t __wrap_recv(int fd, void* to, std::size_t bytes, int flags) {
  using namespace aquifer::contention;
  if (!is_shared(to)) return __real_recv(fd, to, bytes, flags);
  std::vector<char> arrived(bytes);
  const ssize_t got = __real_recv(fd, arrived.data(), bytes, flags);
  if (got > 0) store_bytes(to, arrived.data(), static_cast<std::size_t>(got));
  return got;
}

extern "C" ssize_t __wrap_sendmsg(int fd, const msghdr* message, int flags) {
  using namespace aquifer::contention;
  std::vector<iovec> parts(message->msg_iov, message->msg_iov + message->msg_iovlen);
  std::deque<std::vector<char>> loaded;
  for (iovec& part : parts) {
    if (!is_shared(part.iov_base)) continue;
    part.iov_base = loaded.emplace_back(load_bytes(part.iov_base, part.iov_len)).data();
  }
  msghdr copy = *message;
  copy.msg_iov = parts.data();
  return __real_sendmsg(fd, &copy, flags);
}

#else

namespace aquifer::contention {
std::size_t mappings_shared() { return 0; }
}  // namespace aquifer::contention

#endif
