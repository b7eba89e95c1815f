// Requests to one other side, from callers that wait for the answer. What carries them is behind
// it: a connection over sockets (channel.h), or one of a simulated network.
#pragma once

#include <atomic>
#include <cstdint>

#include "aquifer/result.h"
#include "io/socket.h"
#include "rpc/frame.h"

namespace aquifer::rpc {

/// A reply as it came: the payload of its frame.
using Payload = Buffer;

class Caller {
 public:
  Caller() = default;
  virtual ~Caller() = default;
  Caller(const Caller&) = delete;
  Caller& operator=(const Caller&) = delete;

  /// Sends a request and waits for its reply. `sent` (may be null) tells whether the request may
  /// have reached the other side. Errors: what the other side answered; kUnreachable; kTimeout;
  /// kClosed. Thread-safe.
  template <Message T>
  Result<Payload> call(std::uint16_t method, const T& request, io::Deadline deadline,
                       bool* sent = nullptr) {
    FrameHeader header;
    header.method = method;
    header.id = next_id_.fetch_add(1, std::memory_order_relaxed);
    Buffer frame;
    append_frame(frame, header, request);
    return exchange(header.id, frame, deadline, sent);
  }

  /// Sends a request whose reply nobody waits for; false when there is no connection to send it on.
  /// Thread-safe.
  template <Message T>
  bool post(std::uint16_t method, const T& request, io::Deadline deadline) {
    FrameHeader header;
    header.method = method;
    Buffer frame;
    append_frame(frame, header, request);
    return post_frame(frame, deadline);
  }

  /// Ends the connection; waiting and later calls answer kClosed. Thread-safe.
  virtual void close() = 0;

  /// Requests sent so far.
  std::uint64_t calls() const { return calls_.load(std::memory_order_relaxed); }

 protected:
  void count_call() { calls_.fetch_add(1, std::memory_order_relaxed); }

 private:
  virtual Result<Payload> exchange(std::uint64_t id, const Buffer& frame, io::Deadline deadline,
                                   bool* sent) = 0;
  virtual bool post_frame(const Buffer& frame, io::Deadline deadline) = 0;

  std::atomic<std::uint64_t> next_id_{1};
  std::atomic<std::uint64_t> calls_{0};
};

}  // namespace aquifer::rpc
