#include "meta/server.h"

#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>
#include <unordered_map>

#include "base/log.h"
#include "base/random.h"
#include "base/strings.h"
#include "io/address.h"
#include "io/loop.h"
#include "io/socket.h"
#include "meta/state_machine.h"
#include "pool/segment.h"
#include "rpc/connection.h"

namespace aquifer::meta {
namespace {

constexpr std::chrono::milliseconds kTick{10};
constexpr std::chrono::microseconds kFinishFollows{30};
constexpr std::uint32_t kStrangerBytesMax = 64u << 10;  // of one message before the hello

class LoopServer final : public Server, private Outbox {
 public:
  LoopServer(const ServerOptions& options, io::Address address, base::UniqueFd listening)
      : options_(options), address_(std::move(address)), state_(state_options(options), *this) {
    acceptor_.emplace(loop_, std::move(listening),
                      [this](base::UniqueFd fd) { accept(std::move(fd)); });
    loop_.every(kTick, [this] { state_.tick(now()); });
    thread_ = std::thread([this] { run(); });
  }

  ~LoopServer() override { stop(); }

  std::string address() const override { return address_.text(); }

  std::optional<Error> wait_failed(std::chrono::milliseconds time) override {
    std::unique_lock lock(mutex_);
    ended_.wait_for(lock, time, [&] { return failure_.has_value(); });
    return failure_;
  }

  void stop() override {
    loop_.stop();
    const std::lock_guard lock(joining_);
    if (thread_.joinable()) {
      thread_.join();
    }
  }

 private:
  static StateOptions state_options(const ServerOptions& options) {
    StateOptions state;
    state.pool = {base::random_id()};
    state.process = base::random_id();
    state.secret = base::random_id();
    // Readers must have ceased to trust its heartbeat when a node is forgotten.
    state.node_grace = std::max<Time>(options.node_grace, 2 * pool::kHeartbeatLease);
    state.client_grace = options.client_grace;
    state.suspect_after = options.suspect_after;
    state.reserve = {options.reserve_low_bytes, options.reserve_high_bytes,
                     options.reserve_low_share, options.reserve_high_share};
    state.copy_bytes_per_second = options.copy_bytes_per_second;
    state.hot_uses_per_second = options.hot_uses_per_second;
    state.forget_after = options.forget_after;
    state.pinned_share_max = options.pinned_share_max;
    state.fault_failed_check = options.fault_failed_check;
    state.fault_reuse_limbo = options.fault_reuse_limbo;
    return state;
  }

  static Time now() {
    return std::chrono::duration_cast<Time>(std::chrono::steady_clock::now().time_since_epoch());
  }

  void run() {
    try {
      loop_.run();
    } catch (const std::exception& error) {
      base::log_error("meta", error.what());
      const std::lock_guard lock(mutex_);
      failure_ =
          Error{Status::kInternal, error.what(), "this is a defect of aquifer: please report it"};
      ended_.notify_all();
    }
    connections_.clear();
    acceptor_.reset();
  }

  void accept(base::UniqueFd fd) {
    if (connections_.size() >= options_.connections_max && !close_a_stranger()) {
      return warn_full();  // closed at once
    }
    const SessionId session = ++next_session_;
    rpc::Connection::Handlers handlers;
    handlers.on_frame = [this, session](rpc::Connection& connection, const rpc::Frame& frame) {
      state_.handle(session, frame, now());
      if (frame.header.method == static_cast<std::uint16_t>(protocol::Method::kPutStart)) {
        loop_.look_for(kFinishFollows);  // that of a small value is here before this thread sleeps
      }
      if (state_.knows(session)) {
        connection.set_payload_max(rpc::kFrameBytesMax);
      }
    };
    handlers.on_close = [this, session](rpc::Connection&, const std::string&) {
      connections_.erase(session);
      state_.disconnected(session, now());
    };
    auto connection = rpc::Connection::start(loop_, std::move(fd), std::move(handlers));
    connection->set_payload_max(kStrangerBytesMax);
    connections_.emplace(session, std::move(connection));
    strangers_.push_back(session);
    loop_.after(options_.hello_time, [this, session] {
      while (!strangers_.empty() && strangers_.front() <= session) {
        strangers_.pop_front();
      }
      if (!state_.knows(session)) {
        close(session);
      }
    });
  }

  // Makes room for a new connection at the cost of the oldest one that has not said who it is.
  bool close_a_stranger() {
    while (!strangers_.empty()) {
      const SessionId session = strangers_.front();
      strangers_.pop_front();
      if (connections_.contains(session) && !state_.knows(session)) {
        close(session);
        return true;
      }
    }
    return false;
  }

  void warn_full() {
    constexpr Time kEvery{10'000};
    if (now() - warned_full_ >= kEvery) {
      warned_full_ = now();
      base::log_warning("meta", "refusing connections: all ", options_.connections_max,
                        " are taken (--connections-max)");
    }
  }

  void close(SessionId session) override {
    const auto found = connections_.find(session);
    if (found != connections_.end()) {
      const auto connection = std::move(found->second);
      connections_.erase(found);
      connection->close();
    }
  }

  rpc::Buffer* open(SessionId session) override {
    const auto found = connections_.find(session);
    return found == connections_.end() ? nullptr : found->second->out();
  }
  void appended(SessionId session) override { connections_.at(session)->appended(); }

  const ServerOptions options_;
  const io::Address address_;
  io::Loop loop_;
  StateMachine state_;
  std::optional<rpc::Acceptor> acceptor_;
  std::unordered_map<SessionId, std::shared_ptr<rpc::Connection>> connections_;
  std::deque<SessionId> strangers_;  ///< of the latest hello time, known and closed ones among them
  Time warned_full_{-1'000'000};
  SessionId next_session_ = 0;
  std::mutex joining_;
  std::mutex mutex_;
  std::condition_variable ended_;
  std::optional<Error> failure_;
  std::thread thread_;
};

}  // namespace

Result<std::unique_ptr<Server>> Server::start(const ServerOptions& options) {
  auto wanted = io::Address::parse(options.listen);
  if (!wanted) {
    return std::move(wanted).error();
  }
  auto listening = io::listen_tcp(*wanted);
  if (!listening) {
    return std::move(listening).error();
  }
  auto address = io::local_address(listening->get());
  if (!address) {
    return std::move(address).error();
  }
  return std::unique_ptr<Server>(
      new LoopServer(options, *std::move(address), *std::move(listening)));
}

}  // namespace aquifer::meta
