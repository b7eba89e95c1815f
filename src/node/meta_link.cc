#include "node/meta_link.h"

#include <algorithm>
#include <utility>

#include "base/random.h"
#include "base/strings.h"

namespace aquifer::node {
namespace {

constexpr std::chrono::milliseconds kBackoffFirst{50};
constexpr std::chrono::milliseconds kBackoffMax{400};
constexpr std::chrono::milliseconds kAnswerTime{2000};
constexpr std::chrono::milliseconds kConnectTime{500};
constexpr std::chrono::milliseconds kPoll{10};
constexpr std::chrono::milliseconds kPause{1};  // while meta is behind with a report

}  // namespace

MetaLink::MetaLink(io::Loop& loop, io::Address meta, std::string address,
                   Control::Identity identity, Control::Hooks hooks)
    : loop_(loop),
      meta_(std::move(meta)),
      address_(std::move(address)),
      on_event_(hooks.on_event),
      control_(std::move(identity), std::move(hooks), *this),
      backoff_(kBackoffFirst) {}

void MetaLink::start() {
  loop_.every(kPoll, [this] { control_.tick(pool::monotonic_ms()); });
  connect();
}

void MetaLink::connect() {
  if (control_.has_ended()) {
    return;
  }
  auto fd = io::connect_tcp(meta_, io::Clock::now() + kConnectTime);
  control_.looked_for_meta(pool::monotonic_ms());
  if (!fd) {
    tell_waiting(fd.error().message);
    return retry();
  }
  rpc::Connection::Handlers handlers;
  handlers.on_frame = [this](rpc::Connection&, const rpc::Frame& frame) {
    control_.handle(frame, pool::monotonic_ms());
  };
  handlers.on_close = [this](rpc::Connection&, const std::string& why) { on_close(why); };
  connection_ = rpc::Connection::start(loop_, *std::move(fd), std::move(handlers));
  control_.connected(advertised());
  loop_.after(kAnswerTime, [this, asked = connection_.get()] { give_up_on(asked); });
}

void MetaLink::on_close(const std::string& why) {
  connection_.reset();
  if (control_.left()) {
    return;
  }
  if (control_.has_session()) {
    on_event_(base::cat("lost meta at ", meta_.text(), " (", why, "), connecting again"));
  } else {
    tell_waiting(why);
  }
  control_.disconnected();
  retry();
}

// Something listens there, but it is no meta, or one that hangs.
void MetaLink::give_up_on(const rpc::Connection* asked) {
  if (control_.has_session() || control_.has_ended() || connection_.get() != asked) {
    return;
  }
  tell_waiting("connected, but nothing answers");
  close();
}

void MetaLink::tell_waiting(const std::string& why) {
  if (!std::exchange(told_waiting_, true)) {
    on_event_(base::cat("waiting for meta at ", meta_.text(), " (", why, ")"));
  }
}

void MetaLink::retry() {
  // Not all at once: between half of it and the whole.
  const auto half = backoff_ / 2;
  const auto jitter =
      std::chrono::milliseconds(base::random_id() % static_cast<std::uint64_t>(half.count() + 1));
  loop_.after(half + jitter, [this] { connect(); });
  backoff_ = std::min(backoff_ * 2, kBackoffMax);
}

// A node that listens on every address is reached where it reaches meta from.
std::string MetaLink::advertised() const {
  auto address = io::Address::parse(address_);
  const bool everywhere = address.ok() && (address->host == "0.0.0.0" || address->host == "::");
  const auto here = everywhere ? io::local_address(connection_->fd()) : address;
  return everywhere && here.ok() ? io::Address{here->host, address->port}.text() : address_;
}

void MetaLink::close() {
  connection_->close();
  connection_.reset();
  retry();
}

void MetaLink::on_joined() {
  backoff_ = kBackoffFirst;
  told_waiting_ = false;
}

void MetaLink::step_soon() {
  if (connection_ != nullptr && connection_->is_paused()) {
    return loop_.after(kPause, [this] { step_soon(); });
  }
  loop_.post([this] { control_.step(pool::monotonic_ms()); });
}

void MetaLink::drop() {
  control_.end();
  if (connection_ != nullptr) {
    connection_->close();
    connection_.reset();
  }
}

}  // namespace aquifer::node
