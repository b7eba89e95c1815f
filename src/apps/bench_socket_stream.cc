#include "apps/bench_socket_stream.h"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace aquifer::apps {
namespace {

// Enough to fill the socket's buffers with one call, well below the system's limit of 1,024.
constexpr std::size_t kPiecesPerCall = 128;

bool receive_all(int stream, void* to, std::size_t bytes) {
  auto* at = static_cast<std::byte*>(to);
  while (bytes > 0) {
    const ssize_t got = recv(stream, at, bytes, 0);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return false;
    at += got;
    bytes -= static_cast<std::size_t>(got);
  }
  return true;
}

bool send_all(int stream, const void* from, std::size_t bytes) {
  const auto* at = static_cast<const std::byte*>(from);
  while (bytes > 0) {
    const ssize_t sent = send(stream, at, bytes, MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent <= 0) return false;
    at += sent;
    bytes -= static_cast<std::size_t>(sent);
  }
  return true;
}

std::uint64_t total(std::span<const iovec> pieces) {
  std::uint64_t bytes = 0;
  for (const iovec& piece : pieces) bytes += piece.iov_len;
  return bytes;
}

}  // namespace

SocketExchange::SocketExchange(int stream, Direction direction, std::uint64_t offset,
                               std::vector<iovec> pieces)
    : stream_(stream),
      is_put_(direction == Direction::kPut),
      request_{is_put_ ? 1u : 0u, offset, total(pieces)},
      pieces_(std::move(pieces)),
      awaits_byte_(is_put_) {}

short SocketExchange::events() const {
  return is_put_ && next_ < pieces_.size() ? POLLOUT : POLLIN;
}

SocketExchange::Step SocketExchange::send_request() {
  return send_all(stream_, &request_, sizeof request_) ? Step::kMoved : Step::kFailed;
}

SocketExchange::Step SocketExchange::step(bool wait) {
  char byte = 0;
  iovec last{&byte, 1};
  const bool is_last = next_ == pieces_.size();
  msghdr message{};
  message.msg_iov = is_last ? &last : &pieces_[next_];
  message.msg_iovlen = is_last ? 1 : std::min(kPiecesPerCall, pieces_.size() - next_);
  const int flags = wait ? 0 : MSG_DONTWAIT;
  const ssize_t moved = is_put_ && !is_last ? sendmsg(stream_, &message, flags | MSG_NOSIGNAL)
                                            : recvmsg(stream_, &message, flags);
  if (moved < 0 && (errno == EAGAIN || errno == EINTR)) return Step::kWouldBlock;
  if (moved <= 0) return Step::kFailed;
  if (is_last) {
    awaits_byte_ = false;
  } else {
    advance(static_cast<std::size_t>(moved));
  }
  return Step::kMoved;
}

void SocketExchange::advance(std::size_t bytes) {
  while (bytes > 0) {
    iovec& piece = pieces_[next_];
    const std::size_t part = std::min(bytes, piece.iov_len);
    piece.iov_base = static_cast<std::byte*>(piece.iov_base) + part;
    piece.iov_len -= part;
    bytes -= part;
    if (piece.iov_len == 0) ++next_;
  }
}

void serve_socket_stream(int stream, std::span<std::byte> memory) {
  SocketRequest request;
  while (receive_all(stream, &request, sizeof request)) {
    while (request.bytes > 0) {
      std::byte* at = memory.data() + request.offset;
      const std::size_t run =
          std::min<std::uint64_t>(request.bytes, memory.size() - request.offset);
      if (!(request.is_put != 0 ? receive_all(stream, at, run) : send_all(stream, at, run))) return;
      request.offset = (request.offset + run) % memory.size();
      request.bytes -= run;
    }
    const char byte = 1;
    if (request.is_put != 0 && !send_all(stream, &byte, 1)) return;
  }
}

}  // namespace aquifer::apps
