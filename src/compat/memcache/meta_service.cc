#include "compat/memcache/meta_service.h"

#include <filesystem>

#include "base/log.h"
#include "base/strings.h"
#include "compat/memcache/config_file.h"
#include "compat/memcache/rest.h"
#include "compat/memcache/settings.h"

namespace aquifer::compat::memcache {
namespace {

using base::cat;

constexpr std::string_view kTcp = "tcp://";
constexpr std::string_view kHttp = "http://";

std::string_view without(std::string_view url, std::string_view scheme) {
  return url.substr(scheme.size());
}

std::optional<Error> refuse(const mmc_meta_service_config_t& config) {
  std::string problems;
  const auto add = [&](const std::optional<std::string>& text) {
    if (text) problems += cat(problems.empty() ? "" : "; ", *text);
  };
  for (const Field& field : meta_fields()) add(check_range(&config, field));
  add(why_not_url("meta_service_url", config.discoveryURL, kTcp));
  add(why_not_url("config_store_url", config.configStoreURL, kTcp));
  add(why_not_url("metrics_url", config.httpURL, kHttp));
  if (config.evictThresholdHigh <= config.evictThresholdLow) {
    add("evict_threshold_high is not above evict_threshold_low");
  }
  if (!problems.empty()) {
    return Error{Status::kInvalidArgument, cat("this configuration cannot be used: ", problems),
                 "mend the configuration of the metadata service"};
  }
  if (config.accTlsConfig.tlsEnable || config.configStoreTlsConfig.tlsEnable) {
    return Error{Status::kNotSupported,
                 "tls_enable asks for TLS, which is not available yet; without it keys and values "
                 "would travel in the clear",
                 "set it to false where the network is your own"};
  }
  if (config.haEnable) {
    return Error{Status::kNotSupported,
                 "ha_enable asks for an election among several metadata services, which is not "
                 "available yet",
                 "run one: the nodes bring back what it knew when it is restarted"};
  }
  return std::nullopt;
}

}  // namespace

Result<std::unique_ptr<MetaService>> MetaService::start(const mmc_meta_service_config_t& config,
                                                        std::vector<std::string>& warnings) {
  if (auto refused = refuse(config)) return *refused;
  if (config.ubsIoEnable) {
    warnings.push_back("ubs_io is not available: what is evicted is gone");
  }
  std::unique_ptr<MetaService> service(new MetaService);
  MetaOptions options;
  options.listen = config.discoveryURL;
  options.evict_high = config.evictThresholdHigh / 100.0;
  options.evict_low = config.evictThresholdLow / 100.0;
  auto meta = Meta::start(options);
  if (!meta) return std::move(meta).error();
  service->meta_ = *std::move(meta);

  auto client = Client::open({.meta = service->meta_->address()});
  if (!client) return std::move(client).error();
  service->client_ = std::make_unique<Client>(*std::move(client));
  auto rest = admin::HttpServer::start(
      *io::Address::parse(without(config.httpURL, kHttp)),
      [rest = std::make_shared<Rest>(*service->client_)](const admin::Request& request) {
        return rest->answer(request);
      });
  if (!rest) return std::move(rest).error();
  service->rest_ = *std::move(rest);

  // Nobody has to read it: the members of the pool find each other through meta. That it listens
  // tells those who wait for it that the service is up.
  auto config_store =
      admin::HttpServer::start(*io::Address::parse(without(config.configStoreURL, kTcp)),
                               [](const admin::Request&) -> admin::Response {
                                 return {404, "not found\n"};
                               });
  if (!config_store) return std::move(config_store).error();
  service->config_store_ = *std::move(config_store);
  base::log_info("memcache", "the metadata service is at ", service->meta_->address(),
                 ", its REST interface at ", service->rest_->address().text());
  return service;
}

void MetaService::stop() {
  for (auto* const server : {config_store_.get(), rest_.get()}) {
    if (server != nullptr) server->stop();
  }
  if (client_ != nullptr) client_->close();
  if (meta_) meta_->stop();
}

void start_log(const mmc_meta_service_config_t& config) {
  namespace fs = std::filesystem;
  base::set_log_level(static_cast<base::LogLevel>(std::clamp(config.logLevel, 0, 3)));
  const fs::path folder = fs::path(config.logPath) / "logs";
  std::error_code ignored;
  fs::create_directories(folder, ignored);
  base::log_info("memcache", "Meta service log level ", config.logLevel,
                 ", log path: ", config.logPath);
  const bool written = base::log_to_file((folder / "mmc-meta.log").string(),
                                         static_cast<std::size_t>(config.logRotationFileSize),
                                         static_cast<std::size_t>(config.logRotationFileCount));
  if (!written) {
    base::log_warning("memcache", "cannot write ", folder.string(),
                      "/mmc-meta.log: the log stays on stderr; choose another log_path");
  }
}

}  // namespace aquifer::compat::memcache
