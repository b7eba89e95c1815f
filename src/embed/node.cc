#include "aquifer/node.h"

#include <exception>

#include "node/server.h"

namespace aquifer {

Node::Node(std::unique_ptr<node::Server> server) : server_(std::move(server)) {}
Node::Node(Node&&) noexcept = default;
Node& Node::operator=(Node&&) noexcept = default;
Node::~Node() = default;

Result<Node> Node::start(const NodeOptions& options) {
  try {
    node::ServerOptions server;
    server.meta = options.meta;
    server.dram_bytes = options.dram_bytes;
    server.name = options.name;
    server.listen = options.listen;
    server.advertise = options.advertise;
    server.zone = options.zone;
    server.segments = options.segments;
    server.keep = options.keep;
    auto started = node::Server::start(server);
    if (!started) {
      return std::move(started).error();
    }
    return Node(*std::move(started));
  } catch (const std::exception& error) {
    return Error{Status::kInternal, error.what(), "this is a defect of aquifer: please report it"};
  }
}

std::string Node::name() const { return server_->name(); }
std::string Node::address() const { return server_->address(); }

bool Node::wait_ready(std::chrono::milliseconds time) { return server_->wait_ready(time); }

std::optional<Error> Node::wait_failed(std::chrono::milliseconds time) const {
  return server_->wait_failed(time);
}

void Node::stop() { server_->stop(); }

}  // namespace aquifer
