#include "io/socket.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cerrno>
#include <cstring>
#include <memory>

#include "base/strings.h"

namespace aquifer::io {
namespace {

using base::cat;

constexpr int kSocketFlags = SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC;

Error os_error(Status code, const std::string& what, int number) {
  return {code, cat(what, ": ", std::strerror(number)), {}};
}

using Resolved = std::unique_ptr<addrinfo, decltype(&freeaddrinfo)>;

Result<Resolved> resolve(const Address& address, bool to_listen) {
  addrinfo wanted{};
  wanted.ai_family = AF_UNSPEC;
  wanted.ai_socktype = SOCK_STREAM;
  wanted.ai_flags = AI_NUMERICSERV | (to_listen ? AI_PASSIVE : 0);
  addrinfo* found = nullptr;
  const std::string port = std::to_string(address.port);
  if (const int error = getaddrinfo(address.host.c_str(), port.c_str(), &wanted, &found);
      error != 0) {
    return Error{to_listen ? Status::kInvalidArgument : Status::kUnreachable,
                 cat("cannot resolve ", address.text(), ": ", gai_strerror(error)),
                 "check the host name"};
  }
  return Resolved(found, freeaddrinfo);
}

void send_at_once(int fd) {
  const int one = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
}

// A host that vanished says nothing; its connections are asked after a minute, and closed after
// half a minute more.
void ask_when_silent(int fd) {
  constexpr int kOn = 1;
  constexpr int kIdleSeconds = 60;
  constexpr int kEverySeconds = 10;
  constexpr int kTimes = 3;
  setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &kOn, sizeof kOn);
  setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &kIdleSeconds, sizeof kIdleSeconds);
  setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &kEverySeconds, sizeof kEverySeconds);
  setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &kTimes, sizeof kTimes);
}

// True when both ends have the same address: no wire lies between them.
bool is_within_host(int fd) {
  sockaddr_storage ours{};
  sockaddr_storage theirs{};
  socklen_t our_bytes = sizeof ours;
  socklen_t their_bytes = sizeof theirs;
  if (getsockname(fd, reinterpret_cast<sockaddr*>(&ours), &our_bytes) != 0 ||
      getpeername(fd, reinterpret_cast<sockaddr*>(&theirs), &their_bytes) != 0 ||
      ours.ss_family != theirs.ss_family) {
    return false;
  }
  if (ours.ss_family == AF_INET) {
    return reinterpret_cast<sockaddr_in*>(&ours)->sin_addr.s_addr ==
           reinterpret_cast<sockaddr_in*>(&theirs)->sin_addr.s_addr;
  }
  return ours.ss_family == AF_INET6 &&
         std::memcmp(&reinterpret_cast<sockaddr_in6*>(&ours)->sin6_addr,
                     &reinterpret_cast<sockaddr_in6*>(&theirs)->sin6_addr, sizeof(in6_addr)) == 0;
}

sockaddr_un unix_address(const std::string& name, socklen_t& bytes) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::size_t count = std::min(name.size(), sizeof address.sun_path - 1);
  std::memcpy(address.sun_path + 1, name.data(), count);  // the leading zero makes it abstract
  bytes = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + count);
  return address;
}

bool wait_for(int fd, short events, Deadline deadline) {
  for (;;) {
    const auto left = std::chrono::duration_cast<std::chrono::nanoseconds>(deadline - Clock::now());
    if (left.count() < 0) {
      return false;
    }
    const timespec time{static_cast<time_t>(left.count() / 1'000'000'000),
                        static_cast<long>(left.count() % 1'000'000'000)};
    pollfd waiting{fd, events, 0};
    const int ready = ppoll(&waiting, 1, &time, nullptr);
    if (ready > 0) {
      return true;
    }
    if (ready == 0 || errno != EINTR) {
      return false;
    }
  }
}

// Drops `bytes` bytes from the front of the parts.
std::span<iovec> consume(std::span<iovec> parts, std::size_t bytes) {
  while (!parts.empty() && bytes >= parts.front().iov_len) {
    bytes -= parts.front().iov_len;
    parts = parts.subspan(1);
  }
  if (!parts.empty()) {
    parts.front().iov_base = static_cast<char*>(parts.front().iov_base) + bytes;
    parts.front().iov_len -= bytes;
  }
  return parts;
}

constexpr std::size_t kPartsPerCall = 64;

template <class Move>
Result<void> move_all(int fd, std::span<iovec> parts, Deadline deadline, short events, Move move) {
  parts = consume(parts, 0);
  while (!parts.empty()) {
    msghdr message{};
    message.msg_iov = parts.data();
    message.msg_iovlen = std::min(parts.size(), kPartsPerCall);
    const ssize_t moved = move(fd, &message);
    if (moved > 0) {
      parts = consume(parts, static_cast<std::size_t>(moved));
    } else if (moved == 0) {
      return Error{Status::kUnreachable, "the connection was closed by the other side", {}};
    } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
      if (!wait_for(fd, events, deadline)) {
        return Error{Status::kTimeout, "the deadline passed while waiting for the other side", {}};
      }
    } else if (errno != EINTR) {
      return os_error(Status::kUnreachable, "the connection broke", errno);
    }
  }
  return {};
}

}  // namespace

void keep_local_bulk_in_cache(int fd) {
  constexpr int kSendBytes = 256 << 10;  // the kernel doubles it
  if (is_within_host(fd)) {
    setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &kSendBytes, sizeof kSendBytes);
  }
}

void break_when_unacknowledged(int fd, std::chrono::milliseconds time) {
  const auto ms = static_cast<unsigned>(time.count());
  setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &ms, sizeof ms);
}

Result<base::UniqueFd> listen_tcp(const Address& address) {
  auto resolved = resolve(address, true);
  if (!resolved) {
    return std::move(resolved).error();
  }
  const addrinfo& where = **resolved;
  base::UniqueFd fd(socket(where.ai_family, kSocketFlags, 0));
  const int one = 1;
  if (!fd || setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &one, sizeof one) != 0) {
    return os_error(Status::kIo, "cannot make a socket", errno);
  }
  if (bind(fd.get(), where.ai_addr, where.ai_addrlen) != 0 || listen(fd.get(), SOMAXCONN) != 0) {
    const int number = errno;
    const bool taken = number == EADDRINUSE;
    Error error = os_error(taken ? Status::kConflict : Status::kIo,
                           cat("cannot listen on ", address.text()), number);
    error.hint =
        taken ? "another process has the port: stop it, or choose another port (0 takes a free one)"
              : "choose an address of this host";
    return error;
  }
  return fd;
}

Result<Address> local_address(int fd) {
  sockaddr_storage storage{};
  socklen_t bytes = sizeof storage;
  char host[NI_MAXHOST];
  char port[NI_MAXSERV];
  auto* generic = reinterpret_cast<sockaddr*>(&storage);
  if (getsockname(fd, generic, &bytes) != 0 ||
      getnameinfo(generic, bytes, host, sizeof host, port, sizeof port,
                  NI_NUMERICHOST | NI_NUMERICSERV) != 0) {
    return os_error(Status::kIo, "cannot tell the address of a socket", errno);
  }
  return Address{host, static_cast<std::uint16_t>(std::stoi(port))};
}

Result<std::string> own_host_towards(const Address& address) {
  auto resolved = resolve(address, false);
  if (!resolved) {
    return std::move(resolved).error();
  }
  const addrinfo& where = **resolved;
  const base::UniqueFd fd(socket(where.ai_family, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (!fd || connect(fd.get(), where.ai_addr, where.ai_addrlen) != 0) {
    return os_error(Status::kUnreachable, cat("there is no way to ", address.text()), errno);
  }
  auto own = local_address(fd.get());
  if (!own) {
    return std::move(own).error();
  }
  return std::move(own->host);
}

Result<base::UniqueFd> connect_tcp(const Address& address, Deadline deadline) {
  auto resolved = resolve(address, false);
  if (!resolved) {
    return std::move(resolved).error();
  }
  int number = 0;
  for (const addrinfo* where = resolved->get(); where != nullptr; where = where->ai_next) {
    base::UniqueFd fd(socket(where->ai_family, kSocketFlags, 0));
    if (!fd) {
      number = errno;
      continue;
    }
    if (connect(fd.get(), where->ai_addr, where->ai_addrlen) != 0 && errno != EINPROGRESS) {
      number = errno;
      continue;
    }
    if (!wait_writable(fd.get(), deadline)) {
      return Error{
          Status::kUnreachable, cat("no answer from ", address.text(), " within the deadline"), {}};
    }
    socklen_t bytes = sizeof number;
    getsockopt(fd.get(), SOL_SOCKET, SO_ERROR, &number, &bytes);
    if (number == 0) {
      send_at_once(fd.get());
      return fd;
    }
  }
  return os_error(Status::kUnreachable, cat("cannot connect to ", address.text()), number);
}

Result<base::UniqueFd> listen_unix(const std::string& name) {
  base::UniqueFd fd(socket(AF_UNIX, kSocketFlags, 0));
  socklen_t bytes = 0;
  const sockaddr_un address = unix_address(name, bytes);
  if (!fd || bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), bytes) != 0 ||
      listen(fd.get(), SOMAXCONN) != 0) {
    return os_error(errno == EADDRINUSE ? Status::kConflict : Status::kIo,
                    cat("cannot listen on @", name), errno);
  }
  return fd;
}

Result<base::UniqueFd> connect_unix(const std::string& name) {
  base::UniqueFd fd(socket(AF_UNIX, kSocketFlags, 0));
  socklen_t bytes = 0;
  const sockaddr_un address = unix_address(name, bytes);
  if (!fd || connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), bytes) != 0) {
    return os_error(Status::kUnreachable, cat("cannot connect to @", name), errno);
  }
  return fd;
}

base::UniqueFd accept_one(int listening_fd) {
  base::UniqueFd fd(accept4(listening_fd, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
  if (fd) {
    send_at_once(fd.get());
    ask_when_silent(fd.get());
  }
  return fd;
}

int peer_user(int fd) {
  ucred who{};
  socklen_t bytes = sizeof who;
  return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &bytes) == 0 ? static_cast<int>(who.uid)
                                                                    : -1;
}

bool send_with_fd(int fd, std::span<const std::byte> bytes, int fd_to_send) {
  iovec part{const_cast<std::byte*>(bytes.data()), bytes.size()};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  if (fd_to_send >= 0) {
    message.msg_control = control;
    message.msg_controllen = sizeof control;
    cmsghdr* first = CMSG_FIRSTHDR(&message);
    first->cmsg_level = SOL_SOCKET;
    first->cmsg_type = SCM_RIGHTS;
    first->cmsg_len = CMSG_LEN(sizeof(int));
    std::memcpy(CMSG_DATA(first), &fd_to_send, sizeof(int));
  }
  return sendmsg(fd, &message, MSG_NOSIGNAL) == static_cast<ssize_t>(bytes.size());
}

Result<base::UniqueFd> receive_with_fd(int fd, std::span<std::byte> buffer, std::size_t& count,
                                       Deadline deadline) {
  if (!wait_readable(fd, deadline)) {
    return Error{Status::kTimeout, "the deadline passed while waiting for the other side", {}};
  }
  iovec part{buffer.data(), buffer.size()};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  const ssize_t got = recvmsg(fd, &message, MSG_CMSG_CLOEXEC);
  if (got <= 0) {
    return os_error(Status::kUnreachable, "the connection was closed",
                    got == 0 ? ECONNRESET : errno);
  }
  count = static_cast<std::size_t>(got);
  base::UniqueFd received;
  for (cmsghdr* part_of = CMSG_FIRSTHDR(&message); part_of != nullptr;
       part_of = CMSG_NXTHDR(&message, part_of)) {
    if (part_of->cmsg_level == SOL_SOCKET && part_of->cmsg_type == SCM_RIGHTS) {
      int number = -1;
      std::memcpy(&number, CMSG_DATA(part_of), sizeof number);
      received.reset(number);
    }
  }
  return received;
}

bool wait_readable(int fd, Deadline deadline) { return wait_for(fd, POLLIN, deadline); }
bool wait_writable(int fd, Deadline deadline) { return wait_for(fd, POLLOUT, deadline); }

Result<void> write_all(int fd, std::span<iovec> parts, Deadline deadline) {
  return move_all(fd, parts, deadline, POLLOUT,
                  [](int to, const msghdr* message) { return sendmsg(to, message, MSG_NOSIGNAL); });
}

Result<void> read_exact(int fd, std::span<iovec> parts, Deadline deadline) {
  return move_all(fd, parts, deadline, POLLIN,
                  [](int from, msghdr* message) { return recvmsg(from, message, 0); });
}

}  // namespace aquifer::io
