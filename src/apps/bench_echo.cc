#include "apps/bench_echo.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <exception>
#include <list>
#include <string>
#include <string_view>
#include <vector>

#include "base/strings.h"
#include "io/loop.h"
#include "io/socket.h"
#include "rpc/channel.h"
#include "rpc/connection.h"

namespace aquifer::apps {
namespace {

constexpr std::uint16_t kEcho = 1;
constexpr std::size_t kBytesMax = 1 << 20;  // of a request or a reply
constexpr std::chrono::seconds kPatience{30};

/// The reply is as long as asked: the bytes of the request, again from their start where they are
/// fewer.
struct EchoRequest {
  std::uint32_t reply_bytes = 0;
  std::string_view bytes;
  static constexpr auto wire = std::tuple{&EchoRequest::reply_bytes, &EchoRequest::bytes};
};
struct EchoReply {
  std::string_view bytes;
  static constexpr auto wire = std::tuple{&EchoReply::bytes};
};
const std::size_t kRequestBytes = rpc::encoded_bytes(EchoRequest{});
const std::size_t kReplyBytes = rpc::encoded_bytes(EchoReply{});

std::size_t content_of(std::size_t payload, std::size_t overhead) {
  return std::max(payload, overhead + 1) - overhead;
}

void repeat(std::string_view from, std::string& out, std::size_t bytes) {
  out.assign(from.substr(0, bytes));
  while (!from.empty() && out.size() < bytes) out += from.substr(0, bytes - out.size());
}

/// The server side of the RPC.
void serve_frames(base::UniqueFd listening) {
  io::Loop loop;
  std::list<std::shared_ptr<rpc::Connection>> connections;
  std::string answer;
  rpc::Acceptor acceptor(loop, std::move(listening), [&](base::UniqueFd fd) {
    rpc::Connection::Handlers handlers;
    handlers.on_frame = [&](rpc::Connection& connection, const rpc::Frame& frame) {
      EchoRequest request;
      if (!rpc::decode(frame.payload, request) || request.reply_bytes > kBytesMax) return;
      std::string_view bytes = request.bytes.substr(0, request.reply_bytes);
      if (bytes.size() < request.reply_bytes) {
        repeat(request.bytes, answer, request.reply_bytes);
        bytes = answer;
      }
      connection.reply(kEcho, frame.header.id, EchoReply{bytes});
    };
    handlers.on_close = [](rpc::Connection&, const std::string&) { _exit(0); };
    connections.push_back(rpc::Connection::start(loop, std::move(fd), std::move(handlers)));
  });
  loop.run();
}

bool move_all(int socket, char* bytes, std::size_t count, bool sends) {
  while (count > 0) {
    const ssize_t moved =
        sends ? send(socket, bytes, count, MSG_NOSIGNAL) : recv(socket, bytes, count, 0);
    if (moved < 0 && errno == EINTR) continue;
    if (moved <= 0) return false;
    bytes += moved;
    count -= static_cast<std::size_t>(moved);
  }
  return true;
}

/// In front of what a raw socket carries, in the place of a frame's header.
struct RawHeader {
  std::uint64_t request_bytes = 0;
  std::uint64_t reply_bytes = 0;
  std::array<char, sizeof(rpc::FrameHeader) - 16> unused{};
};
static_assert(sizeof(RawHeader) == sizeof(rpc::FrameHeader));

/// The server side of the raw socket: one receive where all of a request is there, one send.
void serve_raw(int socket) {
  std::vector<char> memory(sizeof(RawHeader) + kBytesMax);
  while (true) {
    const ssize_t got = recv(socket, memory.data(), memory.size(), 0);
    if (got < static_cast<ssize_t>(sizeof(RawHeader))) return;
    RawHeader header;
    std::memcpy(&header, memory.data(), sizeof header);
    if (header.request_bytes > kBytesMax || header.reply_bytes > kBytesMax) return;
    const std::size_t whole = sizeof header + header.request_bytes;
    const auto have = static_cast<std::size_t>(got);
    if (have < whole && !move_all(socket, memory.data() + have, whole - have, false)) return;
    if (!move_all(socket, memory.data(), sizeof header + header.reply_bytes, true)) return;
  }
}

void make_blocking(int socket) {
  const int on = 1;
  setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  fcntl(socket, F_SETFL, fcntl(socket, F_GETFL) & ~O_NONBLOCK);
}

[[noreturn]] void be_peer(pid_t parent, base::UniqueFd listening, bool is_raw) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) _exit(1);
  try {
    if (is_raw) {
      io::wait_readable(listening.get(), io::Clock::now() + kPatience);
      const base::UniqueFd socket = io::accept_one(listening.get());
      make_blocking(socket.get());
      serve_raw(socket.get());
    } else {
      serve_frames(std::move(listening));
    }
  } catch (const std::exception&) {
    _exit(1);
  }
  _exit(0);
}

}  // namespace

struct BenchEcho::State {
  std::vector<pid_t> peers;
  std::unique_ptr<rpc::Channel> channel;
  base::UniqueFd raw;
  std::string content;
  std::vector<char> memory = std::vector<char>(sizeof(RawHeader) + kBytesMax);

  ~State() {
    for (const pid_t peer : peers) {
      kill(peer, SIGKILL);
      while (waitpid(peer, nullptr, 0) < 0 && errno == EINTR) {
      }
    }
  }

  /// Forks a peer; where it listens.
  Result<io::Address> fork_peer(bool is_raw) {
    auto listening = io::listen_tcp({"127.0.0.1", 0});
    if (!listening) return listening.error();
    auto address = io::local_address(listening->get());
    if (!address) return address.error();
    const pid_t parent = getpid();
    const pid_t peer = fork();
    if (peer < 0) return Error{Status::kIo, base::cat("cannot fork: ", std::strerror(errno)), ""};
    if (peer == 0) be_peer(parent, std::move(*listening), is_raw);
    peers.push_back(peer);
    return address;
  }
};

BenchEcho::BenchEcho(std::unique_ptr<State> state) : state_(std::move(state)) {}
BenchEcho::BenchEcho(BenchEcho&&) noexcept = default;
BenchEcho::~BenchEcho() = default;

Result<BenchEcho> BenchEcho::start() {
  auto state = std::make_unique<State>();
  for (std::size_t i = 0; i < kBytesMax; ++i) state->content += static_cast<char>('!' + i % 89);
  const auto framed = state->fork_peer(false);
  if (!framed) return framed.error();
  const auto raw = state->fork_peer(true);
  if (!raw) return raw.error();
  state->channel = std::make_unique<rpc::Channel>(
      [address = *framed](io::Deadline deadline) { return io::connect_tcp(address, deadline); },
      rpc::Channel::Greet{});
  auto socket = io::connect_tcp(*raw, io::Clock::now() + kPatience);
  if (!socket) return socket.error();
  make_blocking(socket->get());
  state->raw = std::move(*socket);
  return BenchEcho(std::move(state));
}

bool BenchEcho::call(EchoBytes bytes) {
  const std::size_t reply = content_of(bytes.reply, kReplyBytes);
  const std::string_view sent =
      std::string_view(state_->content).substr(0, content_of(bytes.request, kRequestBytes));
  const auto answer = state_->channel->call(
      kEcho, EchoRequest{static_cast<std::uint32_t>(reply), sent}, io::Clock::now() + kPatience);
  EchoReply got;
  return answer && rpc::decode({answer->data(), answer->size()}, got) &&
         got.bytes.size() == reply &&
         got.bytes.substr(0, sent.size()) == sent.substr(0, got.bytes.size());
}

bool BenchEcho::call_raw(EchoBytes bytes) {
  std::vector<char>& memory = state_->memory;
  const RawHeader header{bytes.request, bytes.reply, {}};
  std::memcpy(memory.data(), &header, sizeof header);
  const int socket = state_->raw.get();
  return move_all(socket, memory.data(), sizeof header + bytes.request, true) &&
         move_all(socket, memory.data(), sizeof header + bytes.reply, false) &&
         std::memcmp(memory.data(), &header, sizeof header) == 0;
}

}  // namespace aquifer::apps
