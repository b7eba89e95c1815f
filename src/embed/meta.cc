#include "aquifer/meta.h"

#include <exception>

#include "meta/server.h"

namespace aquifer {

Meta::Meta(std::unique_ptr<meta::Server> server) : server_(std::move(server)) {}
Meta::Meta(Meta&&) noexcept = default;
Meta& Meta::operator=(Meta&&) noexcept = default;
Meta::~Meta() = default;

Result<Meta> Meta::start(const MetaOptions& options) {
  try {
    meta::ServerOptions server;
    server.listen = options.listen;
    server.node_grace = options.node_grace;
    server.client_grace = options.client_grace;
    if (options.evict_high != 0 || options.evict_low != 0) {
      if (!(0 < options.evict_low && options.evict_low < options.evict_high &&
            options.evict_high < 1)) {
        return Error{Status::kInvalidArgument, "these cannot be the watermarks of eviction",
                     "give shares of a node's space, 0 < low < high < 1"};
      }
      server.reserve_low_bytes = server.reserve_high_bytes = UINT64_MAX;
      server.reserve_low_share = 1 - options.evict_high;
      server.reserve_high_share = 1 - options.evict_low;
    }
    auto started = meta::Server::start(server);
    if (!started) {
      return std::move(started).error();
    }
    return Meta(*std::move(started));
  } catch (const std::exception& error) {
    return Error{Status::kInternal, error.what(), "this is a defect of aquifer: please report it"};
  }
}

std::string Meta::address() const { return server_->address(); }

std::optional<Error> Meta::wait_failed(std::chrono::milliseconds time) const {
  return server_->wait_failed(time);
}

void Meta::stop() { server_->stop(); }

}  // namespace aquifer
