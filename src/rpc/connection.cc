#include "rpc/connection.h"

#include <sys/socket.h>

#include <cerrno>
#include <cstring>

#include "base/strings.h"

namespace aquifer::rpc {
namespace {

constexpr std::size_t kReadBytes = 64u << 10;
constexpr std::chrono::milliseconds kAcceptAgain{100};  // after running out of descriptors
constexpr std::size_t kKeepBytes = 1u << 20;  // a larger buffer is given back once it is empty

}  // namespace

std::shared_ptr<Connection> Connection::start(io::Loop& loop, base::UniqueFd fd,
                                              Handlers handlers) {
  std::shared_ptr<Connection> connection(new Connection(loop, std::move(fd), std::move(handlers)));
  connection->wait_to_read();
  return connection;
}

Connection::Connection(io::Loop& loop, base::UniqueFd fd, Handlers handlers)
    : loop_(loop),
      watch_(std::make_unique<io::Watch>(loop, std::move(fd))),
      handlers_(std::move(handlers)) {}

void Connection::reply_error(std::uint16_t method, std::uint64_t id, Status status,
                             std::string_view message, std::string_view hint) {
  FrameHeader header;
  header.method = method;
  header.flags = kFlagReply;
  header.status = static_cast<std::uint16_t>(status);
  header.id = id;
  send(header, ErrorMessage{message, hint});
}

void Connection::close() { watch_.reset(); }

void Connection::fail(const std::string& why) {
  if (watch_ != nullptr) {
    watch_.reset();
    handlers_.on_close(*this, why);
  }
}

void Connection::wait_to_read() {
  if (waiting_to_read_) {
    return;
  }
  waiting_to_read_ = true;
  watch_->when_readable([this, self = weak_from_this()] {
    if (const auto alive = self.lock()) {
      waiting_to_read_ = false;
      on_readable();
    }
  });
}

void Connection::on_readable() {
  // What a peer says that it will send takes no memory; what it has sent does, and as much again.
  const std::size_t wanted = frame_bytes_wanted({in_.data(), in_used_});
  in_.resize(std::max(in_used_ + kReadBytes, std::min(wanted, 2 * in_used_)));
  const ssize_t got = recv(watch_->fd(), in_.data() + in_used_, in_.size() - in_used_, 0);
  if (got == 0) {
    return fail("closed by the other side");
  }
  if (got < 0) {
    if (errno != EAGAIN && errno != EINTR) {
      return fail(std::strerror(errno));
    }
    return wait_to_read();
  }
  in_used_ += static_cast<std::size_t>(got);
  if (frame_bytes_wanted({in_.data(), in_used_}) > sizeof(FrameHeader) + payload_max_) {
    return fail("more than a stranger may send");
  }
  go_on();
}

// Handles what has come, as far as the peer takes its answers; flush() calls again when it did.
void Connection::go_on() {
  do {
    handling_ = true;
    handle_frames();
    handling_ = false;
    if (watch_ != nullptr) {
      flush();
    }
  } while (watch_ != nullptr && !is_paused() && has_whole_frame());
  if (watch_ != nullptr && !is_paused()) {
    wait_to_read();
  }
}

bool Connection::has_whole_frame() const {
  return in_used_ >= frame_bytes_wanted({in_.data(), in_used_});
}

void Connection::handle_frames() {
  std::size_t at = 0;
  while (watch_ != nullptr && !is_paused()) {
    Frame frame;
    const FrameState state = read_frame({in_.data() + at, in_used_ - at}, frame);
    if (state == FrameState::kNeedsMore) {
      break;
    }
    if (state == FrameState::kOtherVersion) {
      reply_error(frame.header.method, frame.header.id, Status::kVersionMismatch,
                  base::cat("this side speaks protocol ", kProtocolVersion, ", the other ",
                            frame.header.version),
                  "use the same version of aquifer on both sides");
      flush();
      return fail("another protocol version");
    }
    if (state == FrameState::kBroken) {
      return fail("damaged or foreign bytes on the connection");
    }
    at += sizeof(FrameHeader) + frame.header.length;
    handlers_.on_frame(*this, frame);
  }
  if (at != 0) {
    std::memmove(in_.data(), in_.data() + at, in_used_ - at);
    in_used_ -= at;
    if (in_used_ == 0 && in_.capacity() > kKeepBytes) {
      in_ = Buffer();
    }
  }
}

void Connection::flush_soon() {
  if (out_.size() - out_sent_ > kOutBytesMax) {
    // Later: whoever appended is in the middle of something.
    loop_.post(
        [self = shared_from_this()] { self->fail("the other side does not read its answers"); });
  }
  if (handling_ || flush_posted_ || waiting_to_write_) {
    return;
  }
  flush_posted_ = true;
  loop_.post([self = shared_from_this()] {
    self->flush_posted_ = false;
    if (self->watch_ != nullptr) {
      self->flush();
    }
  });
}

void Connection::flush() {
  while (out_sent_ < out_.size() && !waiting_to_write_) {
    const ssize_t sent =
        ::send(watch_->fd(), out_.data() + out_sent_, out_.size() - out_sent_, MSG_NOSIGNAL);
    if (sent >= 0) {
      out_sent_ += static_cast<std::size_t>(sent);
    } else if (errno == EAGAIN) {
      drop_sent();
      waiting_to_write_ = true;
      watch_->when_writable([this, self = weak_from_this()] {
        if (const auto alive = self.lock()) {
          waiting_to_write_ = false;
          const bool was_paused = is_paused();
          flush();
          if (was_paused && watch_ != nullptr && !is_paused()) {
            go_on();
          }
        }
      });
      return;
    } else if (errno != EINTR) {
      return fail(std::strerror(errno));
    }
  }
  if (out_sent_ == out_.size()) {
    out_.clear();
    out_sent_ = 0;
    if (out_.capacity() > kKeepBytes) {
      out_ = Buffer();
    }
  }
}

// A peer that is always a little behind would otherwise keep all that was ever sent to it.
void Connection::drop_sent() {
  if (out_sent_ > kKeepBytes && out_sent_ > out_.size() / 2) {
    out_.erase(out_.begin(), out_.begin() + static_cast<std::ptrdiff_t>(out_sent_));
    out_sent_ = 0;
  }
}

Acceptor::Acceptor(io::Loop& loop, base::UniqueFd listening,
                   std::function<void(base::UniqueFd)> on_accept)
    : loop_(loop),
      on_accept_(std::move(on_accept)),
      watch_(loop, std::move(listening)),
      self_(std::make_shared<Acceptor*>(this)) {
  wait();
}

void Acceptor::wait() {
  watch_.when_readable([this] { accept_all(); });
}

void Acceptor::accept_all() {
  while (base::UniqueFd fd = io::accept_one(watch_.fd())) {
    on_accept_(std::move(fd));
  }
  if (errno != EMFILE && errno != ENFILE && errno != ENOBUFS && errno != ENOMEM) {
    return wait();
  }
  // Those who wait stay in the socket's queue, which would say "readable" again at once.
  loop_.after(kAcceptAgain, [weak = std::weak_ptr<Acceptor*>(self_)] {
    if (const auto self = weak.lock()) {
      (*self)->wait();
    }
  });
}

}  // namespace aquifer::rpc
