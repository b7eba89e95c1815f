// The limits of a small call: a forked peer that answers a request of so many bytes with so many
// bytes, once through this stack's RPC (frames, digests, event loop) and once over a raw blocking
// socket. Nothing is looked up or decided there.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <memory>

#include "aquifer/result.h"

namespace aquifer::apps {

/// What travels, as payloads of frames; a raw socket carries as much, frame headers included.
struct EchoBytes {
  std::size_t request = 0;
  std::size_t reply = 0;
};

class BenchEcho {
 public:
  /// Forks the peers. Requires that no thread runs that holds what they need. Errors: kIo.
  static Result<BenchEcho> start();

  BenchEcho(BenchEcho&&) noexcept;
  BenchEcho& operator=(BenchEcho&&) = delete;
  /// Ends the peers.
  ~BenchEcho();

  /// One round trip through the RPC stack; whether the answer was what was sent, as long as asked.
  bool call(EchoBytes bytes);
  /// The same over raw sockets.
  bool call_raw(EchoBytes bytes);

 private:
  struct State;
  explicit BenchEcho(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace aquifer::apps
