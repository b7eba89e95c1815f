// Requests from threads that wait for the answer: one connection, many callers. There is no thread
// behind it: of the callers that wait, one reads for all and passes the role on when it has its own
// answer. So an answer wakes the thread that wants it and no other, and a process that makes no
// calls runs nothing.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <unordered_map>

#include "aquifer/result.h"
#include "io/socket.h"
#include "rpc/frame.h"

namespace aquifer::rpc {

/// A reply as it came: the payload of its frame.
using Payload = Buffer;

class Channel {
 public:
  /// `connect` makes a fresh connection; `greet` (may be empty) is the first request of each, and a
  /// connection whose greeting fails is dropped.
  using Connect = std::function<Result<base::UniqueFd>(io::Deadline)>;
  using Greet = std::function<Result<void>(Channel&, io::Deadline)>;
  Channel(Connect connect, Greet greet);
  ~Channel();
  Channel(const Channel&) = delete;
  Channel& operator=(const Channel&) = delete;

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
  void close();

  /// Requests sent so far.
  std::uint64_t calls() const { return calls_.load(std::memory_order_relaxed); }

 private:
  class Line;
  Result<Payload> exchange(std::uint64_t id, const Buffer& frame, io::Deadline deadline,
                           bool* sent);
  bool post_frame(const Buffer& frame, io::Deadline deadline);
  Result<std::shared_ptr<Line>> line(io::Deadline deadline);
  Result<std::shared_ptr<Line>> connect(io::Deadline deadline);
  std::shared_ptr<Line> current_line();
  void set_line(std::shared_ptr<Line> line);

  Connect connect_;
  Greet greet_;
  std::atomic<std::uint64_t> next_id_{1};
  std::atomic<std::uint64_t> calls_{0};
  std::timed_mutex connecting_;
  std::atomic<bool> closed_{false};
  std::atomic<std::thread::id>
      greeting_thread_{};  ///< its calls go over the new connection while the others wait
  std::mutex line_mutex_;  ///< guards line_; a leaf
  std::shared_ptr<Line> line_;
};

}  // namespace aquifer::rpc
