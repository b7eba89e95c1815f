#include "io/loop.h"

#include <sched.h>

#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <utility>

namespace aquifer::io {

namespace asio = boost::asio;

struct Loop::State {
  using Clock = std::chrono::steady_clock;

  // Looks until something has come or the time is over.
  void look() {
    const auto end = std::exchange(look_until, Clock::time_point());
    std::size_t came = 0;
    while (came == 0 && !context.stopped() && Clock::now() < end) {
      sched_yield();
      came = context.poll();
    }
    skip_next = came > 0 ? 0 : std::clamp(2 * skip_next, 1u, kSkipMax);
    to_skip = skip_next;
  }

  static constexpr unsigned kSkipMax = 64;
  Clock::time_point look_until{};
  unsigned to_skip = 0;    ///< so many wishes to look are not followed
  unsigned skip_next = 0;  ///< after the next time that nothing comes, about twice as many
  asio::io_context context{1};
  asio::executor_work_guard<asio::io_context::executor_type> work = asio::make_work_guard(context);
};

namespace {

void repeat(const std::shared_ptr<asio::steady_timer>& timer, std::chrono::milliseconds period,
            std::function<void()> work) {
  timer->expires_after(period);
  timer->async_wait(
      [timer, period, work = std::move(work)](const boost::system::error_code& error) mutable {
        if (!error) {
          work();
          repeat(timer, period, std::move(work));
        }
      });
}

}  // namespace

Loop::Loop() : state_(std::make_unique<State>()) {}
Loop::~Loop() = default;

void Loop::run() {
  while (state_->context.run_one() > 0) {
    state_->context.poll();
    if (state_->look_until != State::Clock::time_point()) {
      state_->look();
    }
  }
}

void Loop::look_for(std::chrono::microseconds time) {
  if (state_->to_skip > 0) {
    --state_->to_skip;
  } else {
    state_->look_until = State::Clock::now() + time;
  }
}

void Loop::stop() { state_->context.stop(); }
void Loop::post(std::function<void()> work) { asio::post(state_->context, std::move(work)); }

void Loop::every(std::chrono::milliseconds period, std::function<void()> work) {
  repeat(std::make_shared<asio::steady_timer>(state_->context), period, std::move(work));
}

void Loop::after(std::chrono::milliseconds delay, std::function<void()> work) {
  auto timer = std::make_shared<asio::steady_timer>(state_->context, delay);
  timer->async_wait([timer, work = std::move(work)](const boost::system::error_code& error) {
    if (!error) {
      work();
    }
  });
}

struct Watch::State {
  State(asio::io_context& context, int fd) : descriptor(context, fd) {}
  asio::posix::stream_descriptor descriptor;
};

Watch::Watch(Loop& loop, base::UniqueFd fd)
    : state_(std::make_shared<State>(loop.state_->context, fd.get())) {
  fd.release();
  state_->descriptor.non_blocking(true);
}

Watch::~Watch() {
  boost::system::error_code ignored;
  state_->descriptor.close(ignored);
}

int Watch::fd() const { return state_->descriptor.native_handle(); }

// The callback holds the state weakly: when the watch is gone before a queued completion runs, it
// is dropped.
void Watch::when_readable(std::function<void()> call) {
  state_->descriptor.async_wait(
      asio::posix::stream_descriptor::wait_read,
      [weak = std::weak_ptr(state_), call = std::move(call)](const auto& error) {
        if (!error && !weak.expired()) {
          call();
        }
      });
}

void Watch::when_writable(std::function<void()> call) {
  state_->descriptor.async_wait(
      asio::posix::stream_descriptor::wait_write,
      [weak = std::weak_ptr(state_), call = std::move(call)](const auto& error) {
        if (!error && !weak.expired()) {
          call();
        }
      });
}

}  // namespace aquifer::io
