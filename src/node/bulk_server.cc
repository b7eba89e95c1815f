#include "node/bulk_server.h"

#include <algorithm>
#include <chrono>
#include <deque>
#include <thread>
#include <unordered_map>
#include <vector>

#include "io/loop.h"
#include "io/socket.h"
#include "node/bulk_connection.h"
#include "rpc/connection.h"

namespace aquifer::node {
namespace {

// A client connects when it has something to ask, and asks at once.
constexpr std::chrono::seconds kHelloTime{5};

}  // namespace

struct BulkServer::State {
  struct Worker {
    io::Loop loop;
    std::unordered_map<BulkConnection*, std::shared_ptr<BulkConnection>> connections;
    std::deque<std::weak_ptr<BulkConnection>> strangers;  ///< in the order they came
    std::thread thread;

    void close(const std::weak_ptr<BulkConnection>& connection);
    bool close_a_stranger();
  };

  CurrentSegment segment;
  BulkCounters counters;
  std::vector<std::unique_ptr<Worker>> workers;
  std::unique_ptr<rpc::Acceptor> acceptor;  ///< on the first worker's loop
  std::size_t next = 0;
  std::size_t connections_max = 0;

  void serve(Worker& worker, base::UniqueFd fd) {
    if (worker.connections.size() >= connections_max / workers.size() &&
        !worker.close_a_stranger()) {
      return;  // closed at once
    }
    io::keep_local_bulk_in_cache(fd.get());
    auto connection = std::make_shared<BulkConnection>(
        worker.loop, std::move(fd), segment, counters,
        [&worker](BulkConnection* closed) { worker.connections.erase(closed); });
    worker.connections.emplace(connection.get(), connection);
    const std::weak_ptr<BulkConnection> weak = connection;
    worker.strangers.push_back(weak);
    worker.loop.after(kHelloTime, [&worker, weak] {
      worker.strangers.pop_front();  // they came and go in this order
      worker.close(weak);
    });
    connection->start();
  }

  void accept(base::UniqueFd fd) {
    Worker& worker = *workers[next++ % workers.size()];
    auto shared = std::make_shared<base::UniqueFd>(std::move(fd));
    worker.loop.post([this, &worker, shared] { serve(worker, std::move(*shared)); });
  }
};

/// Closes it unless it has made a request, or is gone.
void BulkServer::State::Worker::close(const std::weak_ptr<BulkConnection>& connection) {
  const auto found = connection.lock();
  if (found != nullptr && found->is_stranger()) {
    connections.erase(found.get());
  }
}

/// Makes room at the cost of the oldest connection that has not made a request.
bool BulkServer::State::Worker::close_a_stranger() {
  const std::size_t before = connections.size();
  for (const auto& stranger : strangers) {
    close(stranger);
    if (connections.size() < before) {
      return true;
    }
  }
  return false;
}

BulkServer::BulkServer(base::UniqueFd listening, unsigned threads, CurrentSegment segment,
                       std::function<void(const std::string&)> on_failure,
                       std::size_t connections_max)
    : state_(std::make_unique<State>()) {
  state_->segment = std::move(segment);
  state_->connections_max = std::max<std::size_t>(connections_max, threads);
  for (unsigned i = 0; i < threads; ++i) {
    state_->workers.push_back(std::make_unique<State::Worker>());
  }
  state_->acceptor = std::make_unique<rpc::Acceptor>(
      state_->workers[0]->loop, std::move(listening),
      [state = state_.get()](base::UniqueFd fd) { state->accept(std::move(fd)); });
  for (auto& worker : state_->workers) {
    worker->thread = std::thread([worker = worker.get(), on_failure] {
      try {
        worker->loop.run();
      } catch (const std::exception& error) {
        on_failure(error.what());
      }
      worker->connections.clear();
    });
  }
}

BulkServer::~BulkServer() {
  for (auto& worker : state_->workers) {
    worker->loop.stop();
  }
  for (auto& worker : state_->workers) {
    worker->thread.join();
  }
  state_->acceptor.reset();
}

const BulkCounters& BulkServer::counters() const { return state_->counters; }

}  // namespace aquifer::node
