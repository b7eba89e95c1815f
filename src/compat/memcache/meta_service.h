// MemCache's metadata service: a meta of ours at its URL, its REST interface, and the port by which
// others see that it is up.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "admin/http_server.h"
#include "aquifer/client.h"
#include "aquifer/meta.h"
#include "memcache/mmc_def.h"

namespace aquifer::compat::memcache {

class MetaService {
 public:
  /// Errors: kInvalidArgument (naming everything that is out of its range), kNotSupported (TLS,
  /// election), kConflict (a port is in use), kIo. `warnings`: what was asked for and is not to be
  /// had.
  static Result<std::unique_ptr<MetaService>> start(const mmc_meta_service_config_t& config,
                                                    std::vector<std::string>& warnings);
  ~MetaService() { stop(); }

  /// Waits up to `time` for it to end by itself, and says why if it did.
  std::optional<Error> wait_failed(std::chrono::milliseconds time) {
    return meta_->wait_failed(time);
  }
  std::string metrics_address() const { return rest_->address().text(); }
  void stop();

 private:
  MetaService() = default;

  std::optional<Meta> meta_;
  std::unique_ptr<Client> client_;  ///< of the REST interface
  std::unique_ptr<admin::HttpServer> rest_;
  std::unique_ptr<admin::HttpServer> config_store_;
};

/// Says on stderr, and then sends the log, where it goes by the configuration.
void start_log(const mmc_meta_service_config_t& config);

}  // namespace aquifer::compat::memcache
