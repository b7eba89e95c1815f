#include "apps/bench_synthetic_node.h"

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <future>
#include <thread>
#include <utility>
#include <vector>

#include "base/random.h"
#include "io/address.h"
#include "io/loop.h"
#include "io/socket.h"
#include "pool/segment.h"
#include "protocol/messages.h"
#include "rpc/connection.h"

namespace aquifer::apps {
namespace {

using protocol::Method;
constexpr std::chrono::seconds kConnectTime{10};
constexpr std::chrono::milliseconds kBeat{100};
constexpr std::uint32_t kSlotsPerMessage = 1u << 18;  // far below what a frame holds

}  // namespace

/// Everything but the constructor and the end runs on the loop's thread.
class SyntheticNode::Link {
 public:
  Link(base::UniqueFd fd, std::uint32_t slots, std::uint64_t units)
      : slots_(slots),
        units_(static_cast<std::uint32_t>(std::min<std::uint64_t>(units, UINT32_MAX))) {
    loop_.post([this, shared = std::make_shared<base::UniqueFd>(std::move(fd))] {
      connect(std::move(*shared));
    });
    loop_.every(kBeat, [this] { send(Method::kNodeBeat, protocol::NodeBeat{}); });
    thread_ = std::thread([this] {
      loop_.run();
      connection_.reset();
    });
  }

  ~Link() {
    loop_.stop();
    thread_.join();
  }

  Result<void> await_joined() {
    auto joined = joined_.get_future();
    if (joined.wait_for(kConnectTime) == std::future_status::ready) return joined.get();
    return Error{Status::kTimeout, "meta did not answer a node that joins", ""};
  }

 private:
  template <class T>
  void send(Method method, const T& message, std::uint64_t id = 0) {
    if (connection_ == nullptr) return;
    rpc::FrameHeader header;
    header.method = static_cast<std::uint16_t>(method);
    header.id = id;
    connection_->send(header, message);
  }

  void connect(base::UniqueFd fd) {
    rpc::Connection::Handlers handlers;
    handlers.on_frame = [this](rpc::Connection&, const rpc::Frame& frame) { on_frame(frame); };
    handlers.on_close = [this](rpc::Connection&, const std::string& why) {
      connection_.reset();
      answer_once(Error{Status::kUnreachable, "meta: " + why, ""});
    };
    connection_ = rpc::Connection::start(loop_, std::move(fd), std::move(handlers));
    protocol::NodeHello hello;
    hello.node = {base::random_id()};
    hello.name = "synthetic";
    hello.address = "tcp://127.0.0.1:1";  // nobody is to read or write here
    hello.process = static_cast<std::uint64_t>(getpid());
    hello.segment = segment_;
    hello.data_bytes = std::uint64_t{units_} * pool::kUnitBytes;
    hello.slots = slots_;
    send(Method::kNodeHello, hello, 1);
  }

  void on_frame(const rpc::Frame& frame) {
    switch (static_cast<Method>(frame.header.method)) {
      case Method::kNodeHello:
        return on_welcome(frame);
      case Method::kGrantMore: {
        protocol::GrantMore wanted;
        if (rpc::decode(frame.payload, wanted)) grant(wanted);
        return;
      }
      case Method::kReclaim: {
        protocol::Reclaim wanted;
        if (rpc::decode(frame.payload, wanted)) reclaim(wanted);
        return;
      }
      default:
        return;
    }
  }

  void on_welcome(const rpc::Frame& frame) {
    if (frame.header.status == 0) return answer_once({});
    rpc::ErrorMessage said;
    rpc::decode(frame.payload, said);
    answer_once(Error{static_cast<Status>(frame.header.status), std::string(said.message),
                      std::string(said.hint)});
  }

  void grant(const protocol::GrantMore& wanted) {
    const std::uint32_t units = std::min(wanted.units, units_);
    const std::uint32_t slots = std::min(wanted.slots, slots_);
    do {
      const std::uint32_t more =
          std::min(slots - std::min(slots, granted_slots_), kSlotsPerMessage);
      protocol::Granted granted{segment_, units, granted_slots_,
                                std::vector<std::uint64_t>(more, 1), units_};
      send(Method::kGranted, granted);
      granted_slots_ += more;
    } while (granted_slots_ < slots);
  }

  void reclaim(const protocol::Reclaim& wanted) {
    protocol::Reclaimed answer{segment_, {}};
    for (const protocol::ReclaimItem& item : wanted.items) {
      answer.items.push_back({item.slot, item.generation, item.generation + 1});
    }
    send(Method::kReclaimed, answer);
  }

  void answer_once(const Result<void>& outcome) {
    if (!std::exchange(answered_, true)) joined_.set_value(outcome);
  }

  const std::uint32_t slots_;
  const std::uint32_t units_;
  const base::SegmentId segment_{base::random_id()};
  std::uint32_t granted_slots_ = 0;
  bool answered_ = false;
  std::promise<Result<void>> joined_;
  io::Loop loop_;
  std::shared_ptr<rpc::Connection> connection_;
  std::thread thread_;
};

SyntheticNode::SyntheticNode(std::unique_ptr<Link> link) : link_(std::move(link)) {}
SyntheticNode::SyntheticNode(SyntheticNode&&) noexcept = default;
SyntheticNode::~SyntheticNode() = default;

Result<SyntheticNode> SyntheticNode::join(const std::string& meta, std::uint32_t objects,
                                          std::uint64_t object_bytes) {
  auto address = io::Address::parse(meta);
  if (!address) return address.error();
  auto fd = io::connect_tcp(*address, io::Clock::now() + kConnectTime);
  if (!fd) return fd.error();
  const std::uint64_t units_each = (object_bytes + pool::kUnitBytes - 1) / pool::kUnitBytes;
  auto link = std::make_unique<Link>(std::move(*fd), objects, objects * units_each);
  if (auto joined = link->await_joined(); !joined) return joined.error();
  return SyntheticNode(std::move(link));
}

}  // namespace aquifer::apps
