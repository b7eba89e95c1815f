#include "apps/bench_synthetic_node.h"

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <future>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "base/hash.h"
#include "base/random.h"
#include "io/address.h"
#include "io/loop.h"
#include "io/socket.h"
#include "pool/segment.h"
#include "protocol/epoch.h"
#include "protocol/messages.h"
#include "rpc/connection.h"

namespace aquifer::apps {
namespace {

using protocol::Method;
constexpr std::chrono::seconds kConnectTime{10};
constexpr std::chrono::milliseconds kBeat{100};
constexpr std::uint32_t kSlotsPerMessage = 1u << 18;  // far below what a frame holds
constexpr std::uint32_t kObjectsPerMessage = 2048;    // as nodes report them
constexpr std::chrono::milliseconds kAgain{50};       // between two looks for a meta
constexpr std::chrono::milliseconds kPause{1};        // while meta is behind with the report
constexpr std::uint64_t kFirstEpoch = 1;
constexpr std::uint32_t kSpareSlots = 1024;

std::uint64_t units_for(std::uint64_t bytes) {
  return (bytes + pool::kUnitBytes - 1) / pool::kUnitBytes;
}

}  // namespace

/// Everything but the constructor and the end runs on the loop's thread.
class SyntheticNode::Link {
 public:
  /// Without a catalog: empty.
  Link(io::Address meta, base::UniqueFd fd, std::uint32_t slots, std::uint64_t units_each,
       std::optional<SyntheticCatalog> catalog = {})
      : meta_(std::move(meta)),
        slots_(slots),
        units_each_(static_cast<std::uint32_t>(units_each)),
        units_(static_cast<std::uint32_t>(std::min<std::uint64_t>(slots * units_each, UINT32_MAX))),
        catalog_(std::move(catalog)),
        granted_slots_(catalog_ ? slots : 0) {
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
      if (catalog_) connect_again();
    };
    connection_ = rpc::Connection::start(loop_, std::move(fd), std::move(handlers));
    protocol::NodeHello hello;
    hello.node = node_;
    hello.name = "synthetic";
    hello.address = "tcp://127.0.0.1:1";  // nobody is to read or write here
    hello.process = static_cast<std::uint64_t>(getpid());
    hello.segment = segment_;
    hello.data_bytes = std::uint64_t{units_} * pool::kUnitBytes;
    hello.slots = slots_max();
    hello.epoch = epoch_;
    hello.pool = pool_;
    if (catalog_) {
      hello.granted_units = units_;
      hello.granted_slots = granted_slots_;
    }
    send(Method::kNodeHello, hello, 1);
  }

  void connect_again() {
    auto fd = io::connect_tcp(meta_, io::Clock::now() + kAgain);
    if (fd) return connect(std::move(*fd));
    loop_.after(kAgain, [this] { connect_again(); });
  }

  void on_frame(const rpc::Frame& frame) {
    switch (static_cast<Method>(frame.header.method)) {
      case Method::kNodeHello:
        return on_welcome(frame);
      case Method::kMembers: {
        protocol::Members told;
        if (!rpc::decode(frame.payload, told)) return;
        pool_ = told.pool;
        epoch_ = told.epoch;
        return;
      }
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
    protocol::NodeWelcome welcome;
    if (frame.header.status == 0 && rpc::decode(frame.payload, welcome)) {
      pool_ = welcome.pool;
      epoch_ = welcome.epoch;
      if (welcome.what == protocol::NodeWelcome::What::kRecover) begin_report(welcome.secret);
      return answer_once({});
    }
    rpc::ErrorMessage said;
    rpc::decode(frame.payload, said);
    answer_once(Error{static_cast<Status>(frame.header.status), std::string(said.message),
                      std::string(said.hint)});
  }

  void begin_report(std::uint64_t secret) {
    hasher_.emplace(secret);
    reported_ = 0;
    loop_.post([this] { report(); });
  }

  /// A part of the report, and the next one when meta has taken most of what was said.
  void report() {
    if (connection_ == nullptr) return;
    if (connection_->is_paused()) return loop_.after(kPause, [this] { report(); });
    const auto in_space = hasher_->in(catalog_->name_space);
    const std::uint32_t end = reported_ + std::min(kObjectsPerMessage, slots_ - reported_);
    protocol::Recovered part;
    part.segment = segment_;
    part.objects.reserve(end - reported_);
    for (; reported_ < end; ++reported_) {
      const base::Hash128 hash = in_space(catalog_->key(reported_));
      const protocol::Run run{reported_ * units_each_, units_each_};
      part.objects.push_back({hash.low,
                              hash.high,
                              {protocol::make_epoch(kFirstEpoch, segment_.value), reported_ + 1ull},
                              catalog_->value_bytes,
                              base::Random(reported_).next() | 1,
                              reported_,
                              1,
                              1,
                              {run}});
    }
    part.end = reported_ == slots_;
    for (std::uint32_t slot = slots_; part.end && slot < granted_slots_; ++slot) {
      part.free_slots.push_back({slot, 1});
    }
    send(Method::kRecovered, part);
    if (!part.end) loop_.post([this] { report(); });
  }

  void grant(const protocol::GrantMore& wanted) {
    const std::uint32_t units = std::min(wanted.units, units_);
    const std::uint32_t slots = std::min(wanted.slots, slots_max());
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

  /// Meta keeps some slots free, and would evict for them.
  std::uint32_t slots_max() const { return slots_ + (catalog_ ? kSpareSlots : 0); }

  void answer_once(const Result<void>& outcome) {
    if (!std::exchange(answered_, true)) joined_.set_value(outcome);
  }

  const io::Address meta_;
  const std::uint32_t slots_;
  const std::uint32_t units_each_;
  const std::uint32_t units_;
  const std::optional<SyntheticCatalog> catalog_;
  const base::SegmentId segment_{base::random_id()};
  const base::NodeId node_{base::random_id()};
  base::PoolId pool_{};      // none: it has never been in one
  std::uint64_t epoch_ = 0;  // of the meta that it heard last
  std::optional<base::KeyHasher> hasher_{};
  std::uint32_t reported_ = 0;  // objects
  std::uint32_t granted_slots_;
  bool answered_ = false;
  std::promise<Result<void>> joined_;
  io::Loop loop_;
  std::shared_ptr<rpc::Connection> connection_;
  std::thread thread_;
};

SyntheticNode::SyntheticNode(std::unique_ptr<Link> link) : link_(std::move(link)) {}
SyntheticNode::SyntheticNode(SyntheticNode&&) noexcept = default;
SyntheticNode::~SyntheticNode() = default;

Result<SyntheticNode> SyntheticNode::start(const std::string& meta, std::uint32_t slots,
                                           std::uint64_t object_bytes,
                                           std::optional<SyntheticCatalog> catalog) {
  auto address = io::Address::parse(meta);
  if (!address) return address.error();
  auto fd = io::connect_tcp(*address, io::Clock::now() + kConnectTime);
  if (!fd) return fd.error();
  auto link = std::make_unique<Link>(std::move(*address), std::move(*fd), slots,
                                     units_for(object_bytes), std::move(catalog));
  if (auto joined = link->await_joined(); !joined) return joined.error();
  return SyntheticNode(std::move(link));
}

Result<SyntheticNode> SyntheticNode::join(const std::string& meta, std::uint32_t objects,
                                          std::uint64_t object_bytes) {
  return start(meta, objects, object_bytes, std::nullopt);
}

Result<SyntheticNode> SyntheticNode::come_back(const std::string& meta, SyntheticCatalog catalog) {
  const std::uint32_t objects = catalog.objects;
  const std::uint64_t object_bytes = catalog.object_bytes;
  return start(meta, objects, object_bytes, std::move(catalog));
}

}  // namespace aquifer::apps
