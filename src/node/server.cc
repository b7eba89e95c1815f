#include "node/server.h"

#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cctype>
#include <condition_variable>
#include <fstream>
#include <mutex>
#include <thread>

#include "base/log.h"
#include "base/random.h"
#include "base/strings.h"
#include "io/address.h"
#include "io/loop.h"
#include "io/socket.h"
#include "memory/shared_memory.h"
#include "node/bulk_server.h"
#include "node/copier.h"
#include "node/left_segments.h"
#include "node/meta_link.h"
#include "node/segment_host.h"
#include "node/shm_server.h"

namespace aquifer::node {
namespace {

constexpr std::chrono::milliseconds kLeaveTime{1000};
constexpr std::size_t kNameBytesMax = 128;

// With a folder: the same after a restart, and another one for each node that lives there.
std::string default_name(const std::string& folder) {
  constexpr int kNodesMax = 256;
  char host[256] = "node";
  gethostname(host, sizeof host - 1);
  if (folder.empty()) {
    return base::cat(host, "-", getpid());
  }
  std::string name = host;
  for (int i = 2; i < kNodesMax; ++i) {
    const auto left = memory::open_in_folder(segment_path(folder, name));
    if (left.code() != Status::kConflict) {
      break;
    }
    name = base::cat(host, "-", i);
  }
  return name;
}

// Names stand in files, logs and tables.
bool is_name(std::string_view name) {
  return name.size() <= kNameBytesMax && name.front() != '.' &&
         std::all_of(name.begin(), name.end(), [](unsigned char c) {
           return std::isalnum(c) != 0 || c == '.' || c == '_' || c == '-' || c == ':';
         });
}

// Equal on all processes of one kernel, different elsewhere.
std::string boot_id() {
  std::ifstream file("/proc/sys/kernel/random/boot_id");
  std::string id;
  file >> id;
  return id;
}

class NodeServer final : public Server {
 public:
  NodeServer(const ServerOptions& options, std::function<void(const std::string&)> on_event)
      : options_(options), on_event_(std::move(on_event)), node_{base::random_id()} {}

  ~NodeServer() override { stop(); }

  Result<void> start(const io::Address& meta, const io::Address& wanted) {
    name_ = options_.name.empty() ? default_name(options_.segments) : options_.name;
    if (auto made = make_segment(options_.fresh); !made) {
      return made;
    }
    node_ = segment()->view().header().node;
    auto listening = io::listen_tcp(wanted);
    if (!listening) {
      return std::move(listening).error();
    }
    auto address = io::local_address(listening->get());
    if (!address) {
      return std::move(address).error();
    }
    address_ = options_.advertise.empty() ? address->text() : options_.advertise;
    const std::string unix_name = base::cat("aquifer-node-", base::hex(node_.value));
    auto local = io::listen_unix(unix_name);
    if (!local) {
      return std::move(local).error();
    }
    bulk_ = std::make_unique<BulkServer>(
        *std::move(listening), options_.data_threads, [this] { return segment(); },
        [this](const std::string& why) {
          fail({Status::kInternal, why, "this is a defect of aquifer: please report it"});
        });
    shm_ = std::make_unique<ShmServer>(loop_, *std::move(local), [this] { return segment(); });
    link_ = std::make_unique<MetaLink>(
        loop_, meta, address_,
        Control::Identity{node_, name_, unix_name, boot_id(), options_.zone,
                          static_cast<std::uint64_t>(getpid()), meta.text()},
        hooks());
    copier_ = std::make_unique<Copier>([this] { return segment(); },
                                       [this](const protocol::Copied& done) {
                                         loop_.post([this, done] { link_->copied(done); });
                                       });
    loop_.post([this] { link_->start(); });
    thread_ = std::thread([this] { run(); });
    return {};
  }

  std::string name() const override { return name_; }
  std::string address() const override { return address_; }

  bool wait_ready(std::chrono::milliseconds time) override {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, time, [&] { return ready_ || failure_; });
    return ready_;
  }

  std::optional<Error> wait_failed(std::chrono::milliseconds time) override {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, time, [&] { return failure_.has_value(); });
    return failure_;
  }

  void stop() override {
    const std::lock_guard stopping(stopping_);
    if (!thread_.joinable()) {
      return;
    }
    copier_->stop();  // the loop may still order copies
    if (options_.keep && !is_drained_) {
      loop_.post([this] { link_->drop(); });  // for meta it is away, and will be back
      segment()->keep();
    } else {
      leave();
    }
    loop_.stop();
    thread_.join();
    copier_.reset();
    bulk_.reset();
    link_.reset();
    shm_.reset();
    const std::lock_guard lock(mutex_);
    segment_.reset();
  }

 private:
  std::shared_ptr<SegmentHost> segment() {
    const std::lock_guard lock(mutex_);
    return segment_;
  }

  Result<void> replace_segment() {
    {
      const std::lock_guard lock(mutex_);
      segment_.reset();
    }
    return make_segment(true);
  }

  Result<void> make_segment(bool fresh) {
    SegmentHost::Options options;
    options.data_bytes = options_.dram_bytes;
    options.node = node_;
    options.fresh = fresh;
    if (!options_.segments.empty()) {
      options.path = segment_path(options_.segments, name_);
    }
    auto made = SegmentHost::make(options, [this](const std::optional<Error>& error) {
      loop_.post([this, error] { memory_grew(error); });
    });
    if (!made) {
      return std::move(made).error();
    }
    const std::lock_guard lock(mutex_);
    segment_ = *std::move(made);
    return {};
  }

  void memory_grew(const std::optional<Error>& error) {
    if (error) {
      base::log_error("node", "the segment stays smaller than asked for: ", error->text());
      if (!wait_ready(std::chrono::milliseconds(0))) {
        return fail(*error);
      }
    }
    link_->memory_grew();
  }

  Control::Hooks hooks() {
    Control::Hooks hooks;
    hooks.segment = [this] { return segment(); };
    hooks.replace_segment = [this] { return replace_segment(); };
    hooks.counters = [this] {
      return protocol::NodeBeat{bulk_->counters().read.load(), bulk_->counters().written.load(), 0};
    };
    hooks.on_event = [this](const std::string& text) {
      if (on_event_) {
        on_event_(text);
      }
    };
    hooks.on_ready = [this] {
      const std::lock_guard lock(mutex_);
      ready_ = true;
      changed_.notify_all();
    };
    hooks.on_copy = [this](const protocol::Copy& copy) { copier_->order(copy); };
    hooks.on_drained = [this] {
      is_drained_ = true;
      fail({Status::kClosed, "drained: all that was here is on other nodes", {}});
    };
    hooks.on_refused = [this](const Error& error) { fail(error); };
    return hooks;
  }

  void run() {
    try {
      loop_.run();
    } catch (const std::exception& error) {
      fail({Status::kInternal, error.what(), "this is a defect of aquifer: please report it"});
    }
  }

  void fail(const Error& error) {
    const std::lock_guard lock(mutex_);
    if (!failure_) {
      failure_ = error;
      changed_.notify_all();
    }
  }

  // Asks meta to forget this node, but not for long. The state is shared with the loop, which may
  // outlast the wait.
  void leave() {
    struct Left {
      std::mutex mutex;
      std::condition_variable changed;
      bool done = false;
    };
    auto left = std::make_shared<Left>();
    loop_.post([this, left] {
      link_->leave([left] {
        const std::lock_guard lock(left->mutex);
        left->done = true;
        left->changed.notify_all();
      });
    });
    std::unique_lock lock(left->mutex);
    left->changed.wait_for(lock, kLeaveTime, [&] { return left->done; });
  }

  const ServerOptions options_;
  const std::function<void(const std::string&)> on_event_;
  base::NodeId node_;
  std::string name_;
  std::string address_;
  io::Loop loop_;
  std::unique_ptr<BulkServer> bulk_;
  std::unique_ptr<ShmServer> shm_;
  std::unique_ptr<MetaLink> link_;
  std::unique_ptr<Copier> copier_;
  std::atomic<bool> is_drained_{false};
  std::mutex stopping_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool ready_ = false;
  std::optional<Error> failure_;
  std::shared_ptr<SegmentHost> segment_;
  std::thread thread_;
};

}  // namespace

std::optional<std::string> no_room_for_segment(const ServerOptions& options) {
  const std::uint64_t wanted = pool::SegmentShape::for_data(options.dram_bytes).total_bytes();
  const std::string name = options.name.empty() ? default_name(options.segments) : options.name;
  if (memory::open_in_folder(segment_path(options.segments, name)).ok()) {
    return std::nullopt;
  }
  const auto free = memory::free_in_folder(options.segments);
  if (!free) {
    return free.error().message;
  }
  if (*free < wanted) {
    return base::cat(options.segments, " has ", *free, " bytes free, the segment needs ", wanted);
  }
  return std::nullopt;
}

Result<std::unique_ptr<Server>> Server::start(const ServerOptions& options,
                                              std::function<void(const std::string&)> on_event) {
  auto meta = io::Address::parse(options.meta);
  if (!meta) {
    return std::move(meta).error();
  }
  auto listen = io::Address::parse(options.listen);
  if (!listen) {
    return std::move(listen).error();
  }
  if (!options.advertise.empty()) {
    if (auto advertised = io::Address::parse(options.advertise); !advertised) {
      return std::move(advertised).error();
    }
  }
  if (options.dram_bytes < (std::uint64_t{1} << 20) || options.data_threads == 0) {
    return Error{Status::kInvalidArgument,
                 "a node gives at least 1MiB and has at least one data thread", "raise --dram"};
  }
  if (!options.name.empty() && !is_name(options.name)) {
    return Error{Status::kInvalidArgument, "this cannot be the name of a node",
                 base::cat("give --name letters, digits and . _ - : (not first a dot), at most ",
                           kNameBytesMax)};
  }
  if (auto fits = memory::check_memory(options.dram_bytes); options.segments.empty() && !fits) {
    return std::move(fits).error();
  }
  auto server = std::make_unique<NodeServer>(options, std::move(on_event));
  if (auto started = server->start(*meta, *listen); !started) {
    return std::move(started).error();
  }
  return std::unique_ptr<Server>(std::move(server));
}

}  // namespace aquifer::node
