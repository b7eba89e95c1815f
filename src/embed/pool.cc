#include "embed/pool.h"

namespace aquifer {
namespace embed {

namespace {

constexpr std::chrono::seconds kStartTime{30};
constexpr std::chrono::milliseconds kWatch{100};

}  // namespace

Result<std::unique_ptr<Pool>> Pool::open(const PoolOptions& options,
                                         meta::ServerOptions meta_options) {
  std::unique_ptr<Pool> pool(new Pool);
  meta_options.listen = options.listen;
  auto meta = meta::Server::start(meta_options);
  if (!meta) {
    return std::move(meta).error();
  }
  pool->meta_ = *std::move(meta);
  pool->address_ = pool->meta_->address();
  node::ServerOptions node_options;
  node_options.meta = pool->address_;
  node_options.dram_bytes = options.dram_bytes;
  node_options.name = options.node_name;
  auto node = node::Server::start(node_options);
  if (!node) {
    return std::move(node).error();
  }
  pool->node_ = *std::move(node);
  if (!pool->node_->wait_ready(kStartTime)) {
    if (auto failure = pool->node_->wait_failed(std::chrono::milliseconds(0))) {
      return *failure;
    }
    return Error{Status::kTimeout, "the pool's first memory was not there within 30 seconds",
                 "this host is short of memory: give less to the pool"};
  }
  pool->watcher_ = std::thread([self = pool.get()] { self->watch(); });
  return pool;
}

Pool::~Pool() { close(); }

// A part that failed takes the whole pool with it: calls answer, the process goes on.
void Pool::watch() {
  while (!closing_) {
    if (meta_->wait_failed(kWatch) || node_->wait_failed(std::chrono::milliseconds(0))) {
      return stop_parts();
    }
  }
}

void Pool::stop_parts() {
  if (node_ != nullptr) {
    node_->stop();
  }
  if (meta_ != nullptr) {
    meta_->stop();
  }
}

void Pool::close() {
  const std::lock_guard lock(mutex_);
  closing_ = true;
  if (watcher_.joinable()) {
    watcher_.join();
  }
  stop_parts();
}

}  // namespace embed

Pool::Pool(std::unique_ptr<embed::Pool> pool) : pool_(std::move(pool)) {}
Pool::Pool(Pool&&) noexcept = default;
Pool& Pool::operator=(Pool&&) noexcept = default;
Pool::~Pool() = default;

Result<Pool> Pool::open(PoolOptions options) {
  try {
    auto pool = embed::Pool::open(options);
    if (!pool) {
      return std::move(pool).error();
    }
    return Pool(*std::move(pool));
  } catch (const std::exception& error) {
    return Error{Status::kInternal, error.what(), "this is a defect of aquifer: please report it"};
  }
}

Result<Client> Pool::client(ClientOptions options) const {
  options.meta = pool_->meta_address();
  return Client::open(std::move(options));
}

std::string Pool::meta_address() const { return pool_->meta_address(); }

void Pool::close() {
  if (pool_ != nullptr) {
    pool_->close();
  }
}

}  // namespace aquifer
