#include "apps/workload_pool.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <span>
#include <string_view>
#include <thread>
#include <utility>

#include "apps/workload_memory.h"
#include "aquifer/client.h"
#include "base/random.h"
#include "base/size.h"
#include "base/strings.h"
#include "node/left_segments.h"
#include "pool/object.h"
#include "pool/segment.h"

namespace aquifer::apps {
namespace {

using Clock = std::chrono::steady_clock;
constexpr auto kStart = std::chrono::seconds(20);
constexpr auto kStop = std::chrono::seconds(20);
// Memory that no process had before is populated at about 3 s per GiB.
constexpr auto kPopulatePerGibibyte = std::chrono::seconds(20);
constexpr std::array kNoReserve{"--reserve-low=0", "--reserve-high=0"};
constexpr std::size_t kListenWord = 2;  // of those that start a meta

/// Where this program lies; its link in procfs when the file has been replaced meanwhile.
std::string own_program() {
  std::array<char, 4096> path{};
  const ssize_t size = readlink("/proc/self/exe", path.data(), path.size() - 1);
  if (size <= 0 || access(path.data(), X_OK) != 0) return "/proc/self/exe";
  return {path.data(), static_cast<std::size_t>(size)};
}

/// The first address in a line like "ready: meta at tcp://127.0.0.1:5000".
Result<std::string> address_in(std::string_view line) {
  const auto begin = line.find("tcp://");
  if (begin == std::string_view::npos) {
    return Error{Status::kIo, base::cat("meta said '", line, "', which has no address"), ""};
  }
  line.remove_prefix(begin);
  return std::string(line.substr(0, line.find_first_of(" ,;\"')\t")));
}

/// Waits until the nodes are members and have all the memory they were given: what they announce
/// comes only as they populate it.
Result<void> await_memory(const std::string& meta, std::span<const pid_t> nodes,
                          std::uint64_t bytes_each) {
  auto client = Client::open({.meta = meta});
  if (!client) return client.error();
  const std::uint64_t bytes = nodes.size() * bytes_each;
  const auto deadline = Clock::now() + kStart + kPopulatePerGibibyte * (1 + (bytes >> 30));
  while (true) {
    const auto status = client->status();
    std::uint64_t have = 0;
    for (const pid_t node : nodes) have += std::min(shared_file_bytes(node), bytes_each);
    if (status && status->nodes.size() == nodes.size() && have >= bytes) return {};
    if (Clock::now() > deadline) {
      return Error{Status::kTimeout,
                   base::cat("the pool has ", base::format_size_rounded(have), " instead of ",
                             base::format_size_rounded(bytes)),
                   "is there enough free memory?"};
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
}

// What meta keeps free of each node (meta/segments.cc): a share of the units, and some slots.
constexpr std::uint64_t kReserveShare = 64;
constexpr std::uint64_t kReserveBytesMax = 64ull << 20;
constexpr std::uint64_t kReserveSlots = 64;
constexpr std::uint64_t kLeastBytes = 1 << 20;  // that a node accepts

/// What one object takes of the data area, with a key as long as those of bench and replay.
std::uint64_t occupied_bytes(std::uint64_t object_bytes) {
  constexpr std::size_t kNameSpaceBytes = 7;
  constexpr std::size_t kKeyBytes = 32;
  const std::uint64_t stored = pool::stored_bytes(
      object_bytes, pool::header_bytes(kNameSpaceBytes, kKeyBytes, object_bytes));
  return (stored + pool::kUnitBytes - 1) / pool::kUnitBytes * pool::kUnitBytes;
}

std::uint64_t slots_in(std::uint64_t pool_bytes) {
  return pool::SegmentShape::for_data(pool_bytes).slot_count;
}

}  // namespace

std::uint64_t pool_bytes_for(std::uint64_t blocks, std::uint64_t object_bytes, bool evicts_ahead) {
  const std::uint64_t values = blocks * occupied_bytes(object_bytes);
  const std::uint64_t reserve =
      evicts_ahead ? std::min(values / (kReserveShare - 1) + 1, kReserveBytesMax) : 0;
  std::uint64_t bytes = std::max(values + reserve, kLeastBytes);
  const std::uint64_t slots = blocks + kReserveSlots;
  while (slots_in(bytes) < slots) bytes = bytes * slots / slots_in(bytes) + pool::kUnitBytes;
  return (bytes + pool::kUnitBytes - 1) / pool::kUnitBytes * pool::kUnitBytes;
}

std::uint64_t pool_blocks_in(std::uint64_t pool_bytes, std::uint64_t object_bytes,
                             bool evicts_ahead) {
  const std::uint64_t usable =
      pool_bytes - (evicts_ahead ? std::min(pool_bytes / kReserveShare, kReserveBytesMax) : 0);
  const std::uint64_t slots = slots_in(pool_bytes);
  return std::min(usable / occupied_bytes(object_bytes), slots - std::min(slots, kReserveSlots));
}

PrivatePool::PrivatePool(const PrivatePoolOptions& options)
    : program_(options.program.empty() ? own_program() : options.program),
      lasts_(options.lasts),
      name_(base::cat("private-", getpid(), "-", base::hex(base::random_id()))) {}

Result<PrivatePool> PrivatePool::start(const PrivatePoolOptions& options) {
  PrivatePool pool(options);
  if (auto started = pool.start_meta(options); !started) return started.error();
  std::vector<pid_t> nodes;
  for (unsigned i = 0; i < options.nodes; ++i) {
    const auto node = pool.add_node(options.dram_bytes);
    if (!node) return node.error();
    nodes.push_back(*node);
  }
  if (auto ready = await_memory(pool.meta_, nodes, options.dram_bytes); !ready) {
    return ready.error();
  }
  return pool;
}

Result<void> PrivatePool::start_meta(const PrivatePoolOptions& options) {
  Server meta{.words = {"meta", "--listen", "tcp://127.0.0.1:0"}, .patience = kStart};
  if (!options.evicts_ahead)
    meta.words.insert(meta.words.end(), kNoReserve.begin(), kNoReserve.end());
  meta.words.insert(meta.words.end(), options.meta_words.begin(), options.meta_words.end());
  if (auto started = start(meta); !started) return started.error();
  auto address = address_in(meta.process->first_line());
  if (!address) return address.error();
  meta_ = *address;
  meta.words[kListenWord] = meta_;
  servers_.push_back(std::move(meta));
  return {};
}

Result<pid_t> PrivatePool::add_node(std::uint64_t dram_bytes) {
  const std::string name = base::cat(name_, "-", servers_.size());
  Server node{.words = {"node", "--meta", meta_, "--listen", "tcp://127.0.0.1:0", "--dram",
                        std::to_string(dram_bytes), "--name", name},
              .patience = kStart + kPopulatePerGibibyte * (1 + (dram_bytes >> 30))};
  if (lasts_) {
    // Without --segments: such a file is removed when its node is stopped, also by our own end.
    node.segment_file = node::segment_path(std::string(node::kDefaultSegments), name);
  } else {
    node.words.insert(node.words.end(), {"--segments", "memfd"});
  }
  servers_.push_back(std::move(node));
  return start(servers_.back());
}

Result<pid_t> PrivatePool::start(Server& server) {
  auto started = ChildProcess::start(program_, server.words, server.patience);
  if (!started) return started.error();
  server.process.emplace(std::move(*started));
  return server.process->pid();
}

void PrivatePool::kill(std::size_t server) {
  servers_[server].process->kill();
  servers_[server].process.reset();
}

Result<pid_t> PrivatePool::start_again(std::size_t server) { return start(servers_[server]); }

PrivatePool::~PrivatePool() { (void)stop(); }

Result<void> PrivatePool::stop() {
  Result<void> outcome;
  while (!servers_.empty()) {
    Server& server = servers_.back();
    if (server.process) {
      auto stopped = server.process->stop(kStop);
      if (!stopped && outcome) outcome = stopped.error();
    }
    if (!server.segment_file.empty()) unlink(server.segment_file.c_str());
    servers_.pop_back();
  }
  return outcome;
}

}  // namespace aquifer::apps
