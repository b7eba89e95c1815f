// One connection of a server, on an event loop: whole frames in, frames out, both bounded. All
// frames of one read are handled before anything is written, so that many answers leave in one
// write. A peer that does not take its answers is not listened to until it has
// (docs/operations/limits.md). Not here: pairing replies with requests (Channel does that for
// callers that wait).
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "io/loop.h"
#include "io/socket.h"
#include "rpc/frame.h"

namespace aquifer::rpc {

/// Lives on its loop's thread. Held by shared_ptr: a handler may drop it from within.
class Connection : public std::enable_shared_from_this<Connection> {
 public:
  struct Handlers {
    std::function<void(Connection&, const Frame&)> on_frame;
    std::function<void(Connection&, const std::string& why)>
        on_close;  ///< once, unless close() came first
  };

  static std::shared_ptr<Connection> start(io::Loop& loop, base::UniqueFd fd, Handlers handlers);

  /// Queues a frame; it leaves when the handlers of this round are done. A peer that does not read
  /// is cut off when `kOutBytesMax` wait for it.
  template <Message T>
  void send(FrameHeader header, const T& payload) {
    if (watch_ != nullptr) {
      append_frame(out_, header, payload);
      flush_soon();
    }
  }

  /// Answers a request.
  template <Message T>
  void reply(std::uint16_t method, std::uint64_t id, const T& payload) {
    FrameHeader header;
    header.method = method;
    header.flags = kFlagReply;
    header.id = id;
    send(header, payload);
  }
  void reply_error(std::uint16_t method, std::uint64_t id, Status status, std::string_view message,
                   std::string_view hint);

  /// For whoever encodes frames by itself: the buffer to append to (null once closed), and the word
  /// that it did.
  Buffer* out() { return watch_ != nullptr ? &out_ : nullptr; }
  void appended() { flush_soon(); }

  /// A frame of more payload ends the connection: for peers that have not said who they are.
  void set_payload_max(std::uint32_t bytes) { payload_max_ = bytes; }

  /// Of the socket; -1 once closed.
  int fd() const { return watch_ != nullptr ? watch_->fd() : -1; }

  /// Ends the connection; on_close is not called.
  void close();

  static constexpr std::size_t kOutBytesMax = 64u << 20;
  /// While more than this waits to be read by the peer, its requests wait too.
  static constexpr std::size_t kOutBytesPause = 4u << 20;
  /// So it is now: whoever has much to say without being asked waits, too.
  bool is_paused() const { return out_.size() - out_sent_ > kOutBytesPause; }

 private:
  Connection(io::Loop& loop, base::UniqueFd fd, Handlers handlers);
  void wait_to_read();
  void on_readable();
  void handle_frames();
  void go_on();
  bool has_whole_frame() const;
  void fail(const std::string& why);
  void flush_soon();
  void flush();
  void drop_sent();

  io::Loop& loop_;
  std::unique_ptr<io::Watch> watch_;
  Handlers handlers_;
  std::uint32_t payload_max_ = kFrameBytesMax;
  Buffer in_;
  std::size_t in_used_ = 0;
  Buffer out_;
  std::size_t out_sent_ = 0;
  bool handling_ = false;
  bool flush_posted_ = false;
  bool waiting_to_write_ = false;
  bool waiting_to_read_ = false;
};

/// Accepts connections on a listening socket and hands them over. Lives on its loop's thread.
class Acceptor {
 public:
  Acceptor(io::Loop& loop, base::UniqueFd listening, std::function<void(base::UniqueFd)> on_accept);

 private:
  void wait();
  void accept_all();
  io::Loop& loop_;
  std::function<void(base::UniqueFd)> on_accept_;
  io::Watch watch_;
  std::shared_ptr<Acceptor*> self_;  ///< for timers that may fire after the end
};

}  // namespace aquifer::rpc
