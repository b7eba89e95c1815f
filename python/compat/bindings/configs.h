// memcache_hybrid's configuration objects and answers.
#pragma once

#include <string>
#include <vector>

#include "compat/memcache/config_file.h"
#include "compat/memcache/store.h"
#include "memcache/mmc_def.h"

namespace aquifer::python::memcache {

namespace compat = aquifer::compat::memcache;

struct LocalConfig {
  local_config values = compat::default_local_config();
};

struct MetaConfig {
  mmc_meta_service_config_t values = compat::default_meta_config();
};

struct ReplicateConfig {
  std::uint16_t replicas = 1;
  std::vector<std::int32_t> preferred;

  compat::Replicas replicas_of() const { return {replicas, preferred}; }
};

struct KeyInfo {
  compat::KeyFacts facts;

  std::string text() const;
};

}  // namespace aquifer::python::memcache
