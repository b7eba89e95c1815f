#include "rpc/channel.h"

#include <sched.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <optional>

#include "base/strings.h"

namespace aquifer::rpc {
namespace {

Error closed() { return {Status::kClosed, "this client has been closed", {}}; }

Error timeout() { return {Status::kTimeout, "no answer within the deadline", {}}; }

constexpr std::size_t kReadBytes = 64u << 10;
constexpr std::chrono::milliseconds kSlice{
    100};  // between two looks whether the channel was closed

constexpr std::chrono::microseconds kLookFor{150};

// Whether looking for an answer before sleeping pays: each time that it did not, more calls go
// without.
class Looks {
 public:
  bool skip() {
    if (to_skip_ == 0) {
      return false;
    }
    --to_skip_;
    return true;
  }
  void note(bool found) {
    next_ = found ? 1 : std::min(next_ * 2, kSkipMax);
    to_skip_ = found ? 0 : next_;
  }

 private:
  static constexpr unsigned kSkipMax = 64;
  unsigned to_skip_ = 0;
  unsigned next_ = 1;
};

// What a reply frame says: its payload, or the error it carries.
Result<Payload> outcome_of(const Frame& frame) {
  if (frame.header.status == 0) {
    return Payload(frame.payload.begin(), frame.payload.end());
  }
  ErrorMessage message;
  if (!decode(frame.payload, message)) {
    message.message = "the other side refused without a reason";
  }
  return Error{static_cast<Status>(frame.header.status), std::string(message.message),
               std::string(message.hint)};
}

}  // namespace

// One connection and the callers waiting on it.
class Channel::Line {
 public:
  explicit Line(base::UniqueFd fd) : fd_(std::move(fd)) {}

  struct Waiter {
    std::condition_variable wake;
    std::optional<Result<Payload>> outcome;
  };

  bool broken() {
    const std::lock_guard lock(mutex_);
    return broken_.has_value();
  }

  // As send, without a waiter.
  bool post(const Buffer& frame, io::Deadline deadline) {
    const std::unique_lock writing(writing_, deadline);
    if (!writing || broken()) {
      return false;
    }
    iovec part{const_cast<char*>(frame.data()), frame.size()};
    auto written = io::write_all(fd_.get(), {&part, 1}, deadline);
    if (!written) {
      break_all(written.error());
    }
    return written.ok();
  }

  Result<void> send(std::uint64_t id, Waiter& waiter, const Buffer& frame, io::Deadline deadline,
                    bool* sent) {
    {
      const std::lock_guard lock(mutex_);
      if (broken_) {
        return *broken_;
      }
      waiters_.emplace(id, &waiter);
    }
    const std::unique_lock writing(writing_, deadline);
    if (!writing) {
      return timeout();
    }
    if (sent != nullptr) {
      *sent = true;
    }
    iovec part{const_cast<char*>(frame.data()), frame.size()};
    auto written = io::write_all(fd_.get(), {&part, 1}, deadline);
    if (!written) {
      break_all(
          written.error());  // half a frame may be out: nobody can use this connection any more
    }
    return written;
  }

  // Waits until the outcome is there, reading for everybody while nobody else does.
  Result<Payload> wait(std::uint64_t id, Waiter& waiter, io::Deadline deadline) {
    std::unique_lock lock(mutex_);
    while (!waiter.outcome) {
      if (io::Clock::now() >= deadline) {
        waiter.outcome = timeout();
      } else if (!reading_) {
        reading_ = true;
        lock.unlock();
        std::optional<Error> failure = read_some(deadline);
        lock.lock();
        reading_ = false;
        if (failure) {
          break_all_locked(*failure);
        }
      } else {
        waiter.wake.wait_until(lock, deadline);
      }
    }
    waiters_.erase(id);
    hand_over();
    return *std::move(waiter.outcome);
  }

  void forget(std::uint64_t id) {
    const std::lock_guard lock(mutex_);
    waiters_.erase(id);
  }

  void break_all(const Error& error) {
    const std::lock_guard lock(mutex_);
    break_all_locked(error);
  }

  // Wakes whoever reads, so that close() does not have to wait for a deadline.
  void shut_down(const Error& error) {
    ::shutdown(fd_.get(), SHUT_RDWR);
    break_all(error);
  }

 private:
  // The reader's role goes to any caller that still waits.
  void hand_over() {
    if (!reading_) {
      for (auto& [id, waiter] : waiters_) {
        if (!waiter->outcome) {
          waiter->wake.notify_one();
          return;
        }
      }
    }
  }

  void break_all_locked(const Error& error) {
    if (!broken_) {
      broken_ = error;
    }
    for (auto& [id, waiter] : waiters_) {
      if (!waiter->outcome) {
        waiter->outcome = *broken_;
        waiter->wake.notify_one();
      }
    }
  }

  // One receive and what it completes. Only the reader touches in_.
  std::optional<Error> read_some(io::Deadline deadline) {
    in_.resize(std::max(in_used_ + kReadBytes, frame_bytes_wanted({in_.data(), in_used_})));
    const ssize_t got = receive();
    if (got == 0) {
      return Error{Status::kUnreachable, "the connection was closed by the other side", {}};
    }
    if (got < 0) {
      if (errno == EAGAIN || errno == EINTR) {
        io::wait_readable(fd_.get(), deadline);
        return std::nullopt;
      }
      return Error{
          Status::kUnreachable, base::cat("the connection broke: ", std::strerror(errno)), {}};
    }
    in_used_ += static_cast<std::size_t>(got);
    return deliver();
  }

  // As recv. An answer mostly comes within some microseconds, and waking a thread that sleeps costs
  // more than that: so it looks again and again for a while, leaving the processor to others in
  // between, unless that has not been worth it lately.
  ssize_t receive() {
    const auto once = [&] {
      return recv(fd_.get(), in_.data() + in_used_, in_.size() - in_used_, 0);
    };
    ssize_t got = once();
    if (got >= 0 || errno != EAGAIN || looks_.skip()) {
      return got;
    }
    const auto end = io::Clock::now() + kLookFor;
    do {
      sched_yield();
      got = once();
    } while (got < 0 && errno == EAGAIN && io::Clock::now() < end);
    const int error = errno;
    looks_.note(got >= 0);
    errno = error;
    return got;
  }

  std::optional<Error> deliver() {
    std::size_t at = 0;
    for (;;) {
      Frame frame;
      const FrameState state = read_frame({in_.data() + at, in_used_ - at}, frame);
      if (state == FrameState::kNeedsMore) {
        break;
      }
      if (state == FrameState::kOtherVersion) {
        return Error{Status::kVersionMismatch,
                     base::cat("this side speaks protocol ", kProtocolVersion, ", the other ",
                               frame.header.version),
                     "use the same version of aquifer on both sides"};
      }
      if (state == FrameState::kBroken) {
        return Error{Status::kUnreachable, "damaged or foreign bytes on the connection",
                     "check that the address is that of an aquifer process"};
      }
      at += sizeof(FrameHeader) + frame.header.length;
      complete(frame);
    }
    std::memmove(in_.data(), in_.data() + at, in_used_ - at);
    in_used_ -= at;
    return std::nullopt;
  }

  void complete(const Frame& frame) {
    Result<Payload> outcome = outcome_of(frame);
    const std::lock_guard lock(mutex_);
    const auto found = waiters_.find(frame.header.id);
    if (found != waiters_.end() &&
        !found->second->outcome) {  // else its caller gave up: the answer is dropped
      found->second->outcome = std::move(outcome);
      found->second->wake.notify_one();
    }
  }

  base::UniqueFd fd_;
  std::timed_mutex writing_;
  std::mutex mutex_;
  std::unordered_map<std::uint64_t, Waiter*> waiters_;
  std::optional<Error> broken_;
  bool reading_ = false;
  Looks looks_;  // like in_ and in_used_, of whoever reads
  Buffer in_;
  std::size_t in_used_ = 0;
};

Channel::Channel(Connect connect, Greet greet)
    : connect_(std::move(connect)), greet_(std::move(greet)) {}
Channel::~Channel() = default;

Result<Payload> Channel::exchange(std::uint64_t id, const Buffer& frame, io::Deadline deadline,
                                  bool* sent) {
  auto current = line(deadline);
  if (!current) {
    return std::move(current).error();
  }
  Line& line = **current;
  Line::Waiter waiter;
  count_call();
  if (auto written = line.send(id, waiter, frame, deadline, sent); !written) {
    line.forget(id);
    return std::move(written).error();
  }
  return line.wait(id, waiter, deadline);
}

bool Channel::post_frame(const Buffer& frame, io::Deadline deadline) {
  const auto current = current_line();
  if (current == nullptr || !current->post(frame, deadline)) {
    return false;
  }
  count_call();
  return true;
}

std::shared_ptr<Channel::Line> Channel::current_line() {
  const std::lock_guard lock(line_mutex_);
  return line_;
}

void Channel::set_line(std::shared_ptr<Line> line) {
  const std::lock_guard lock(line_mutex_);
  line_ = std::move(line);
}

Result<std::shared_ptr<Channel::Line>> Channel::line(io::Deadline deadline) {
  auto current = current_line();
  if (greeting_thread_ == std::this_thread::get_id()) {
    return current;
  }
  std::unique_lock lock(connecting_, std::defer_lock);
  while (!lock.try_lock_until(std::min(deadline, io::Clock::now() + kSlice))) {
    if (closed_) {
      return closed();
    }
    if (io::Clock::now() >= deadline) {
      return timeout();
    }
  }
  current = current_line();
  if (closed_) {
    return closed();
  }
  return current != nullptr && !current->broken() ? Result(std::move(current)) : connect(deadline);
}

// A fresh connection, greeted. Requires connecting_.
Result<std::shared_ptr<Channel::Line>> Channel::connect(io::Deadline deadline) {
  auto fd = connect_(deadline);
  if (!fd) {
    return std::move(fd).error();
  }
  auto fresh = std::make_shared<Line>(*std::move(fd));
  set_line(fresh);
  if (closed_) {
    return closed();  // close() may have looked for a line just before
  }
  if (greet_) {
    greeting_thread_ = std::this_thread::get_id();
    auto greeted = greet_(*this, deadline);
    greeting_thread_ = std::thread::id();
    if (!greeted) {
      set_line(nullptr);
      return std::move(greeted).error();
    }
  }
  return fresh;
}

void Channel::close() {
  closed_ = true;
  if (const auto current = current_line()) {
    current->shut_down(closed());
  }
}

}  // namespace aquifer::rpc
