#include "compat/memcache/membership.h"

#include <unistd.h>

#include <algorithm>
#include <charconv>

#include "base/strings.h"
#include "io/socket.h"

namespace aquifer::compat::memcache {
namespace {

using base::cat;
using Clock = std::chrono::steady_clock;

constexpr std::string_view kPrefix = "rank-";
constexpr int kOtherNodes = 1024;  // MemCache has no rank as high
constexpr std::chrono::seconds kStartTime{30};
constexpr std::chrono::milliseconds kStep{20};
constexpr std::chrono::seconds kNodesAge{1};
constexpr int kTries = 64;

// Where clients on other hosts find the memory: the address of this host on the way to meta.
std::string own_host(const std::string& meta) {
  const auto address = io::Address::parse(meta);
  const auto own = address ? io::own_host_towards(*address) : Result<std::string>(address.error());
  if (!own) return "127.0.0.1";
  return own->find(':') == std::string::npos ? *own : cat('[', *own, ']');
}

}  // namespace

std::string node_of(std::uint32_t rank) { return cat(kPrefix, rank); }

std::optional<std::uint32_t> rank_of(std::string_view node) {
  if (!node.starts_with(kPrefix)) return std::nullopt;
  const std::string_view digits = node.substr(kPrefix.size());
  std::uint32_t rank = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), rank);
  if (error != std::errc() || end != digits.data() + digits.size()) return std::nullopt;
  return rank;
}

Result<std::shared_ptr<Membership>> Membership::join(const Settings& settings, bool give_memory) {
  ClientOptions options;
  options.meta = settings.meta;
  options.transport = settings.transport;
  options.timeout = settings.timeout;
  options.copy_threads = settings.copy_threads;
  auto client = aquifer::Client::open(options);
  if (!client) return std::move(client).error();
  std::shared_ptr<Membership> member(new Membership(*std::move(client)));
  CallOptions patience;
  patience.timeout = settings.patience;
  if (const auto status = member->client_.status(patience); !status) return status.error();
  if (give_memory) {
    if (auto given = member->give(settings); !given) return given.error();
  }
  return member;
}

// Meta refuses a name that a living node has: of two that want a rank, one takes the next.
Result<void> Membership::give(const Settings& settings) {
  Error last{Status::kConflict, cat("all of ", settings.ranks_max, " ranks are taken"),
             "raise world_size, or stop a local service"};
  std::uint32_t rank = 0;
  for (int attempt = 0; attempt < kTries; ++attempt) {
    const std::vector<std::string> taken = nodes(true);
    while (std::find(taken.begin(), taken.end(), node_of(rank)) != taken.end()) ++rank;
    if (rank >= settings.ranks_max) return last;
    NodeOptions options;
    options.meta = settings.meta;
    options.dram_bytes = settings.dram_bytes;
    options.name = node_of(rank);
    options.listen = cat("tcp://", own_host(settings.meta), ":0");
    auto node = Node::start(options);
    if (!node) return std::move(node).error();
    const auto end = Clock::now() + kStartTime;
    std::optional<Error> failure;
    while (!failure && Clock::now() < end) {
      if (node->wait_ready(kStep)) {
        node_ = *std::move(node);
        rank_ = rank;
        node_name_ = options.name;
        return {};
      }
      failure = node->wait_failed(std::chrono::milliseconds(0));
    }
    if (!failure) {
      return Error{Status::kTimeout, "the pool did not take this memory within 30 seconds",
                   "look at what the metadata service logs"};
    }
    if (failure->code != Status::kConflict) return *failure;
    ++rank;
  }
  return last;
}

std::vector<std::string> Membership::nodes(bool fresh) {
  {
    const std::lock_guard lock(mutex_);
    if (!fresh && Clock::now() - nodes_read_ < kNodesAge) return nodes_;
  }
  const auto status = client_.status();
  const std::lock_guard lock(mutex_);
  if (!status) return nodes_;
  nodes_.clear();
  for (const NodeStatus& node : status->nodes) {
    if (node.state != "lost") nodes_.push_back(node.name);
  }
  nodes_read_ = Clock::now();
  return nodes_;
}

bool Membership::has(std::span<const std::int32_t> ranks, unsigned replicas) {
  const auto all_in = [&](const std::vector<std::string>& known) {
    return known.size() >= replicas &&
           std::all_of(ranks.begin(), ranks.end(), [&](std::int32_t rank) {
             return rank >= 0 &&
                    std::find(known.begin(), known.end(),
                              node_of(static_cast<std::uint32_t>(rank))) != known.end();
           });
  };
  return all_in(nodes(false)) || all_in(nodes(true));
}

bool Membership::is_empty() {
  const auto status = client_.status();
  return status && std::ranges::all_of(status->nodes,
                                       [](const NodeStatus& node) { return node.state == "lost"; });
}

int Membership::number_of(std::string_view node) {
  if (const auto rank = rank_of(node)) return static_cast<int>(*rank);
  const std::lock_guard lock(mutex_);
  const auto found = std::find(others_.begin(), others_.end(), node);
  const auto place = found - others_.begin();
  if (found == others_.end()) others_.emplace_back(node);
  return kOtherNodes + static_cast<int>(place);
}

Membership::Membership(aquifer::Client client) : process_(getpid()), client_(std::move(client)) {}

Membership::~Membership() {
  if (getpid() != process_ && node_) new Node(*std::move(node_));
}

void Membership::leave() {
  if (getpid() != process_) return;
  if (node_) node_->stop();
  client_.close();
}

}  // namespace aquifer::compat::memcache
