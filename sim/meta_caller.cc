#include "sim/meta_caller.h"

#include <utility>
#include <vector>

#include "base/check.h"

namespace aquifer::sim {
namespace {

Error closed() { return {Status::kClosed, "this client has been closed", {}}; }
Error timeout() { return {Status::kTimeout, "no answer within the deadline", {}}; }
Error unreachable(const char* why) { return {Status::kUnreachable, why, {}}; }

}  // namespace

MetaCaller::MetaCaller(Process& process, Threads& threads, Network& network, MetaProcess& meta,
                       client::Surroundings::Greet greet, OnAnswer on_answer)
    : process_(process),
      threads_(threads),
      network_(network),
      meta_(meta),
      greet_(std::move(greet)),
      on_answer_(std::move(on_answer)),
      connected_(threads.make_bell()) {}

MetaCaller::~MetaCaller() { drop_line(closed()); }

void MetaCaller::close() {
  closed_ = true;
  drop_line(closed());
  connected_->ring();
}

Result<rpc::Payload> MetaCaller::exchange(std::uint64_t id, const rpc::Buffer& frame,
                                          io::Deadline deadline, bool* sent) {
  if (!greets()) {
    if (auto line = have_line(deadline); !line) {
      return std::move(line).error();
    }
  }
  if (line_ == nullptr) {
    return unreachable("the connection broke");
  }
  const auto waiter = std::make_shared<Waiter>(Waiter{threads_.running(), meta_life_, {}});
  waiting_[id] = waiter;
  if (sent != nullptr) {
    *sent = true;
  }
  count_call();
  const std::string_view bytes(frame.data(), frame.size());
  line_->send(0, bytes);
  while (!waiter->outcome && threads_.now() < deadline) {
    threads_.wait(deadline);
  }
  waiting_.erase(id);
  if (!waiter->outcome) {
    return timeout();
  }
  if (*waiter->outcome && on_answer_) {
    rpc::Frame request;
    AQ_CHECK(rpc::read_frame(bytes, request) == rpc::FrameState::kWhole);
    const rpc::Payload& reply = **waiter->outcome;
    on_answer_(request, {reply.data(), reply.size()}, waiter->meta);
  }
  return *std::move(waiter->outcome);
}

bool MetaCaller::post_frame(const rpc::Buffer& frame, io::Deadline) {
  if (line_ == nullptr) {
    return false;
  }
  line_->send(0, {frame.data(), frame.size()});
  count_call();
  return true;
}

Result<void> MetaCaller::have_line(io::Deadline deadline) {
  std::unique_lock lock(mutex_);
  if (!connected_->wait_until(lock, deadline, [this] { return closed_ || !is_connecting_; })) {
    return timeout();
  }
  if (closed_) {
    return closed();
  }
  if (line_ != nullptr) {
    return {};
  }
  is_connecting_ = true;
  lock.unlock();
  auto made = connect(deadline);
  lock.lock();
  is_connecting_ = false;
  connected_->ring();
  return made;
}

Result<void> MetaCaller::connect(io::Deadline deadline) {
  auto fresh = knock(deadline);
  if (fresh == nullptr) {
    return unreachable("connection refused");
  }
  line_ = std::move(fresh);
  meta_life_ = meta_.life();
  Handlers handlers;
  handlers.on_frame = [this](const rpc::Frame& frame) { on_frame(frame); };
  handlers.on_close = [this] { drop_line(unreachable("the connection was closed")); };
  line_->listen(0, std::move(handlers));
  if (!greet_) {
    return {};
  }
  greeting_ = threads_.running();
  auto greeted = greet_(*this, deadline);
  greeting_ = nullptr;
  if (!greeted) {
    drop_line(greeted.error());
  }
  return greeted;
}

// A connection; null when nobody is there, or the deadline has come.
std::shared_ptr<Connection> MetaCaller::knock(io::Deadline deadline) {
  struct Attempt {
    Threads::ThreadPtr thread;
    std::shared_ptr<Connection> connection;
    bool is_over = false;
  };
  const auto attempt = std::make_shared<Attempt>(Attempt{threads_.running(), nullptr, false});
  network_.connect(
      process_, meta_,
      [&meta = meta_](std::shared_ptr<Connection> connection) {
        meta.accept(std::move(connection));
      },
      [&threads = threads_, attempt](std::shared_ptr<Connection> connection) {
        if (std::exchange(attempt->is_over, true)) {
          if (connection != nullptr) {
            connection->close(0);
          }
          return;
        }
        attempt->connection = std::move(connection);
        threads.wake(attempt->thread);
      });
  while (!attempt->is_over && threads_.now() < deadline) {
    threads_.wait(deadline);
  }
  attempt->is_over = true;
  return std::move(attempt->connection);
}

void MetaCaller::on_frame(const rpc::Frame& frame) {
  const auto found = waiting_.find(frame.header.id);
  if (found == waiting_.end() || found->second->outcome) {
    return;  // its caller gave up: the answer is dropped
  }
  if (frame.header.status == 0) {
    found->second->outcome = rpc::Payload(frame.payload.begin(), frame.payload.end());
  } else {
    rpc::ErrorMessage message;
    const bool has_words = rpc::decode(frame.payload, message);
    found->second->outcome =
        Error{static_cast<Status>(frame.header.status),
              has_words ? std::string(message.message) : "refused without a reason",
              {}};
  }
  threads_.wake(found->second->thread);
}

void MetaCaller::drop_line(const Error& why) {
  if (const auto line = std::exchange(line_, nullptr)) {
    line->listen(0, {});
    line->close(0);
  }
  for (auto& [id, waiter] : waiting_) {
    if (!waiter->outcome) {
      waiter->outcome = why;
      threads_.wake(waiter->thread);
    }
  }
}

}  // namespace aquifer::sim
