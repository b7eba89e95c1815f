#include "apps/bench_sockets.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <utility>

#include "apps/bench_socket_stream.h"
#include "apps/workload_memory.h"

namespace aquifer::apps {
namespace {

Error failed(const std::string& what) {
  return {Status::kIo, "the socket limit: " + what + ": " + std::strerror(errno), ""};
}

void set_up(int stream, int send_bytes) {
  const int on = 1;
  setsockopt(stream, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (send_bytes != 0) {
    setsockopt(stream, SOL_SOCKET, SO_SNDBUF, &send_bytes, sizeof send_bytes);
  }
}

/// A listening socket on a free port of 127.0.0.1, and its address.
base::UniqueFd listen_locally(sockaddr_in& address) {
  base::UniqueFd listener(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  auto* where = reinterpret_cast<sockaddr*>(&address);
  socklen_t size = sizeof address;
  if (!listener || bind(listener.get(), where, size) != 0 || listen(listener.get(), 64) != 0 ||
      getsockname(listener.get(), where, &size) != 0) {
    listener.reset();
  }
  return listener;
}

[[noreturn]] void be_peer(pid_t parent, int listener, std::span<std::byte> memory, int send_bytes) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) _exit(1);
  populate(memory);  // a fork leaves the pages of shared memory to be found one by one
  const int stream = accept(listener, nullptr, nullptr);
  close(listener);
  if (stream >= 0) {
    set_up(stream, send_bytes);
    serve_socket_stream(stream, memory);
  }
  _exit(0);
}

/// Runs some exchanges to their end on the calling thread.
bool finish(std::span<SocketExchange*> exchanges) {
  for (SocketExchange* exchange : exchanges) {
    if (exchange->send_request() == SocketExchange::Step::kFailed) return false;
  }
  std::vector<pollfd> waits;
  while (true) {
    bool has_moved = false;
    waits.clear();
    for (SocketExchange* exchange : exchanges) {
      if (exchange->is_done()) continue;
      const auto step = exchange->step(exchanges.size() == 1);
      if (step == SocketExchange::Step::kFailed) return false;
      has_moved = has_moved || step == SocketExchange::Step::kMoved;
      waits.push_back({exchange->stream(), exchange->events(), 0});
    }
    if (waits.empty()) return true;
    if (!has_moved && exchanges.size() > 1) poll(waits.data(), waits.size(), -1);
  }
}

/// All pieces of some slots, one behind the other.
std::vector<iovec> pieces_of(const BlockBuffers& buffers, SlotRange range) {
  std::vector<iovec> pieces;
  for (std::size_t i = 0; i < range.count; ++i) {
    for (const Piece& piece : buffers.pieces((range.first + i) % buffers.slots())) {
      pieces.push_back({piece.address, piece.bytes});
    }
  }
  return pieces;
}

/// Takes the first `bytes` bytes off `pieces`.
std::vector<iovec> take(std::vector<iovec>& pieces, std::size_t& next, std::size_t bytes) {
  std::vector<iovec> taken;
  while (bytes > 0) {
    iovec& piece = pieces[next];
    const std::size_t part = std::min(bytes, piece.iov_len);
    taken.push_back({piece.iov_base, part});
    piece.iov_base = static_cast<std::byte*>(piece.iov_base) + part;
    piece.iov_len -= part;
    bytes -= part;
    if (piece.iov_len == 0) ++next;
  }
  return taken;
}

}  // namespace

Result<BenchSockets> BenchSockets::start(std::span<std::byte> memory, unsigned streams,
                                         int send_bytes) {
  BenchSockets sockets(memory.size());
  sockaddr_in address;
  const base::UniqueFd listener = listen_locally(address);
  if (!listener) return failed("cannot listen on 127.0.0.1");
  const pid_t parent = getpid();
  for (unsigned i = 0; i < streams; ++i) {
    const pid_t peer = fork();
    if (peer < 0) return failed("cannot start a process");
    if (peer == 0) be_peer(parent, listener.get(), memory, send_bytes);
    sockets.peers_.push_back(peer);
    base::UniqueFd stream(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (!stream ||
        connect(stream.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) {
      return failed("cannot connect to the peer");
    }
    set_up(stream.get(), send_bytes);
    sockets.streams_.push_back(std::move(stream));
  }
  return sockets;
}

BenchSockets::~BenchSockets() {
  for (const pid_t peer : peers_) {
    kill(peer, SIGKILL);
    while (waitpid(peer, nullptr, 0) < 0 && errno == EINTR) {
    }
  }
}

Result<double> BenchSockets::run(Direction direction, const BlockBuffers& buffers, SlotRange range,
                                 std::size_t batch, unsigned times, bool digests,
                                 BenchCrew& crew) const {
  const std::size_t object_bytes = memory_bytes_ / buffers.slots();
  std::chrono::steady_clock::duration spent{};
  std::atomic<bool> is_broken = false;
  for (std::size_t done = 0; done < range.count * times; done += batch) {
    const SlotRange now{(range.first + done) % buffers.slots(), batch};
    auto pieces = pieces_of(buffers, now);
    std::size_t next = 0;
    std::vector<SocketExchange> exchanges;
    const std::size_t bytes = batch * object_bytes;
    for (std::size_t i = 0; i < streams_.size(); ++i) {
      const std::size_t from = bytes * i / streams_.size();
      const std::size_t to = bytes * (i + 1) / streams_.size();
      exchanges.emplace_back(streams_[i].get(), direction,
                             (now.first * object_bytes + from) % memory_bytes_,
                             take(pieces, next, to - from), digests);
    }
    const auto begin = std::chrono::steady_clock::now();
    crew.run([&](unsigned member) {
      std::vector<SocketExchange*> mine;
      for (std::size_t i = member; i < exchanges.size(); i += crew.members()) {
        mine.push_back(&exchanges[i]);
      }
      if (!finish(mine)) is_broken = true;
    });
    spent += std::chrono::steady_clock::now() - begin;
    if (is_broken) return failed("the connection to the peer broke");
  }
  return std::chrono::duration<double>(spent).count();
}

}  // namespace aquifer::apps
