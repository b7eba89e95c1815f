#include "apps/bench_socket_stream.h"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "memory/digest.h"

namespace aquifer::apps {
namespace {

// Enough to fill the socket's buffers with one call, well below the system's limit of 1,024.
constexpr std::size_t kPiecesPerCall = 128;
// What is digested before more is moved, as large as the pool's own steps.
constexpr std::size_t kSendStep = 512u << 10;
constexpr std::size_t kReceiveStep = 256u << 10;

// Kept, so that no compiler leaves the work out.
volatile std::uint64_t last_digest;

void digest_of(const void* at, std::size_t bytes) { last_digest = memory::digest(0, at, bytes); }

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
                               std::vector<iovec> pieces, bool digests)
    : stream_(stream),
      is_put_(direction == Direction::kPut),
      request_{is_put_ ? 1u : 0u, offset, total(pieces), digests ? 1u : 0u},
      pieces_(std::move(pieces)),
      awaits_byte_(is_put_),
      digests_(digests) {}

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
  message.msg_iovlen = is_last ? 1 : ready_pieces();
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

/// How many pieces the next call may name: of a put that digests, those that it has digested.
std::size_t SocketExchange::ready_pieces() {
  const std::size_t most = std::min(kPiecesPerCall, pieces_.size() - next_);
  if (!digests_ || !is_put_) return most;
  const bool is_fresh = digested_ == 0;
  std::size_t count = 0;
  for (std::size_t bytes = 0; count < most && bytes < (is_fresh ? kSendStep : digested_); ++count) {
    const iovec& piece = pieces_[next_ + count];
    bytes += piece.iov_len;
    if (is_fresh) digest_of(piece.iov_base, piece.iov_len);
    if (is_fresh) digested_ = bytes;
  }
  return count;
}

void SocketExchange::advance(std::size_t bytes) {
  if (is_put_) digested_ -= std::min(bytes, digested_);
  while (bytes > 0) {
    iovec& piece = pieces_[next_];
    const std::size_t part = std::min(bytes, piece.iov_len);
    if (digests_ && !is_put_) digest_of(piece.iov_base, part);
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
      const bool digests = request.digests != 0 && request.is_put != 0;
      const std::size_t run = std::min<std::uint64_t>(
          {request.bytes, memory.size() - request.offset, digests ? kReceiveStep : request.bytes});
      if (!(request.is_put != 0 ? receive_all(stream, at, run) : send_all(stream, at, run))) return;
      if (digests) digest_of(at, run);
      request.offset = (request.offset + run) % memory.size();
      request.bytes -= run;
    }
    const char byte = 1;
    if (request.is_put != 0 && !send_all(stream, &byte, 1)) return;
  }
}

}  // namespace aquifer::apps
