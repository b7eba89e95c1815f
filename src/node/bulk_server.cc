#include "node/bulk_server.h"

#include <thread>
#include <unordered_map>
#include <vector>

#include "io/loop.h"
#include "node/bulk_connection.h"
#include "rpc/connection.h"

namespace aquifer::node {

struct BulkServer::State {
  struct Worker {
    io::Loop loop;
    std::unordered_map<BulkConnection*, std::shared_ptr<BulkConnection>> connections;
    std::thread thread;
  };

  CurrentSegment segment;
  BulkCounters counters;
  std::vector<std::unique_ptr<Worker>> workers;
  std::unique_ptr<rpc::Acceptor> acceptor;  ///< on the first worker's loop
  std::size_t next = 0;

  void serve(Worker& worker, base::UniqueFd fd) {
    auto connection = std::make_shared<BulkConnection>(
        worker.loop, std::move(fd), segment, counters,
        [&worker](BulkConnection* closed) { worker.connections.erase(closed); });
    worker.connections.emplace(connection.get(), connection);
    connection->start();
  }

  void accept(base::UniqueFd fd) {
    Worker& worker = *workers[next++ % workers.size()];
    auto shared = std::make_shared<base::UniqueFd>(std::move(fd));
    worker.loop.post([this, &worker, shared] { serve(worker, std::move(*shared)); });
  }
};

BulkServer::BulkServer(base::UniqueFd listening, unsigned threads, CurrentSegment segment,
                       std::function<void(const std::string&)> on_failure)
    : state_(std::make_unique<State>()) {
  state_->segment = std::move(segment);
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
