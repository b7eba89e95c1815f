// mmc_service.h: a metadata service, or memory given to a pool, behind a handle.
#include <cstring>
#include <memory>

#include "base/strings.h"
#include "compat/memcache/config_file.h"
#include "compat/memcache/log.h"
#include "compat/memcache/membership.h"
#include "compat/memcache/meta_service.h"
#include "memcache/mmc_service.h"

namespace memcache = aquifer::compat::memcache;

namespace {

using memcache::Level;

void set_text(char* to, std::size_t bytes, std::string_view text) {
  std::memset(to, 0, bytes);
  std::memcpy(to, text.data(), std::min(text.size(), bytes - 1));
}

std::string bytes_text(std::uint64_t bytes) { return aquifer::base::cat(bytes); }

local_config from(const mmc_local_service_config_t& config) {
  local_config local = memcache::default_local_config();
  set_text(local.meta_service_url, sizeof local.meta_service_url, config.discoveryURL);
  set_text(local.protocol, sizeof local.protocol, config.dataOpType);
  set_text(local.dram_size, sizeof local.dram_size, bytes_text(config.localDRAMSize));
  set_text(local.hbm_size, sizeof local.hbm_size, bytes_text(config.localHBMSize));
  const auto most = [](std::uint64_t limit, std::uint64_t own) { return std::max(limit, own); };
  set_text(local.max_dram_size, sizeof local.max_dram_size,
           bytes_text(most(config.localMaxDRAMSize, config.localDRAMSize)));
  set_text(local.max_hbm_size, sizeof local.max_hbm_size,
           bytes_text(most(config.localMaxHBMSize, config.localHBMSize)));
  if (config.worldSize != 0) local.world_size = config.worldSize;
  local.tls_enable = config.accTlsConfig.tlsEnable;
  local.hcom_tls_enable = config.hcomTlsConfig.tlsEnable;
  local.config_store_tls_enable = config.configStoreTlsConfig.tlsEnable;
  local.ubs_io_enable = config.ubsIoEnable;
  return local;
}

}  // namespace

extern "C" {

mmc_meta_service_t mmcs_meta_service_start(mmc_meta_service_config_t* config) {
  if (config == nullptr) return nullptr;
  std::vector<std::string> warnings;
  auto service = memcache::MetaService::start(*config, warnings);
  for (const std::string& warning : warnings) memcache::warn_once(warning);
  if (!service) {
    memcache::log(Level::kError, service.error().text());
    return nullptr;
  }
  return std::move(*service).release();
}

void mmcs_meta_service_stop(mmc_meta_service_t handle) {
  delete static_cast<memcache::MetaService*>(handle);
}

mmc_local_service_t mmcs_local_service_start(mmc_local_service_config_t* config) {
  if (config == nullptr) return nullptr;
  if (config->logFunc != nullptr) memcache::set_logger(config->logFunc);
  const auto settings = memcache::read_settings(from(*config));
  if (!settings) {
    memcache::log(Level::kError, settings.error().text());
    return nullptr;
  }
  for (const std::string& warning : settings->warnings) memcache::warn_once(warning);
  auto member = memcache::Membership::join(*settings, true);
  if (!member) {
    memcache::log(Level::kError, member.error().text());
    return nullptr;
  }
  return new std::shared_ptr<memcache::Membership>(*std::move(member));
}

void mmcs_local_service_stop(mmc_local_service_t handle) {
  const std::unique_ptr<std::shared_ptr<memcache::Membership>> member(
      static_cast<std::shared_ptr<memcache::Membership>*>(handle));
  if (member != nullptr) (*member)->leave();
}

}  // extern "C"
