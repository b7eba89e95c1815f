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
};

/// The caller's side of one exchange: the request, then the bytes to or from scattered pieces, then
/// for a put one byte that says that all have arrived.
class SocketExchange {
 public:
  SocketExchange(int stream, Direction direction, std::uint64_t offset, std::vector<iovec> pieces);

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

  int stream_;
  bool is_put_;
  SocketRequest request_;
  std::vector<iovec> pieces_;
  std::size_t next_ = 0;
  bool awaits_byte_;
};

/// Serves exchanges until the stream ends. Uses nothing but system calls, so a forked child may run
/// it.
void serve_socket_stream(int stream, std::span<std::byte> memory);

}  // namespace aquifer::apps
