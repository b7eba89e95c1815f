// The program mmc_meta_service: MemCache's metadata service over a meta of ours, configured by the
// file that MMC_META_CONFIG_PATH names. Status 0 after SIGINT or SIGTERM, 255 when it cannot start.
#include <csignal>

#include "apps/stop_signals.h"
#include "compat/memcache/config_file.h"
#include "compat/memcache/log.h"
#include "compat/memcache/meta_service.h"
#include "compat/memcache/store.h"

namespace {

namespace memcache = aquifer::compat::memcache;

constexpr int kCannotStart = 255;
constexpr std::chrono::milliseconds kStep{100};

int fail(const aquifer::Error& error) {
  memcache::log(memcache::Level::kError, error.text());
  return kCannotStart;
}

}  // namespace

int main() {
  std::signal(SIGPIPE, SIG_IGN);  // whoever read our words may have gone
  aquifer::apps::StopSignals signals;
  std::vector<std::string> warnings;
  const std::string& path = memcache::meta_config_path();
  const auto config =
      path.empty() ? aquifer::Result<mmc_meta_service_config_t>(memcache::default_meta_config())
                   : memcache::read_meta_config(path, warnings);
  if (!config) return fail(config.error());
  memcache::start_log(*config);
  const auto service = memcache::MetaService::start(*config, warnings);
  for (const std::string& warning : warnings) memcache::warn_once(warning);
  if (!service) return fail(service.error());
  while (!signals.wait(kStep)) {
    if (const auto failure = (*service)->wait_failed(std::chrono::milliseconds(0))) {
      return fail(*failure);
    }
  }
  return 0;
}
