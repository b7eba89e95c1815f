// One stream of the socket limit: the request that opens an exchange, the caller's side of it, and
// the peer that serves it. For bench_sockets.cc.
#pragma once

#include <sys/uio.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "apps/bench_copies.h"

namespace aquifer::apps {

/// Sent as it stands in memory: both ends are one program on one host. The range wraps round the
/// end of the memory.
struct SocketRequest {
  std::uint64_t is_put = 0;
  std::uint64_t offset = 0;
  std::uint64_t bytes = 0;
  std::uint64_t digests = 0;  // the peer digests what it has received
};

/// The caller's side of one exchange: the request, then the bytes to or from scattered pieces, then
/// for a put one byte that says that all have arrived. With `digests` the bytes are digested where
/// a pool must: of a put before they are sent and when they have arrived, of a get when they have
/// arrived, in steps that stay in the cache.
class SocketExchange {
 public:
  SocketExchange(int stream, Direction direction, std::uint64_t offset, std::vector<iovec> pieces,
                 bool digests = false);

  int stream() const { return stream_; }
  bool is_done() const { return next_ == pieces_.size() && !awaits_byte_; }

  /// What to poll for when step() could do nothing.
  short events() const;

  enum class Step { kMoved, kWouldBlock, kFailed };
  Step send_request();
  /// Moves what one system call moves; with `wait` it blocks until that is something.
  Step step(bool wait);

 private:
  void advance(std::size_t bytes);
  std::size_t ready_pieces();

  int stream_;
  bool is_put_;
  SocketRequest request_;
  std::vector<iovec> pieces_;
  std::size_t next_ = 0;
  bool awaits_byte_;
  bool digests_;
  std::size_t digested_ = 0;  // bytes from next_ on that are digested and not sent
};

/// Serves exchanges until the stream ends. Uses nothing but system calls, so a forked child may run
/// it.
void serve_socket_stream(int stream, std::span<std::byte> memory);

}  // namespace aquifer::apps
