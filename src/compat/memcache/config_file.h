// mmc-local.conf and mmc-meta.conf: lines of "key = value". Parsing as MemCache does it, but that a
// key of a newer version is a warning instead of a failure.
#pragma once

#include <string>
#include <vector>

#include "aquifer/result.h"
#include "compat/memcache/fields.h"

namespace aquifer::compat::memcache {

/// What a file said.
struct FileValues {
  std::vector<std::string> keys;      ///< in the order of the file
  std::vector<std::string> warnings;  ///< keys that mean nothing here
};

/// Reads the file into the fields of `config`. Errors: kInvalidArgument, naming everything that is
/// wrong with it.
Result<FileValues> read_config(const std::string& path, std::span<const Field> fields,
                               void* config);

/// The defaults, and a local_config from a file: there, max.dram.size is dram.size unless said.
local_config default_local_config();
mmc_meta_service_config_t default_meta_config();
Result<local_config> read_local_config(const std::string& path, std::vector<std::string>& warnings);
Result<mmc_meta_service_config_t> read_meta_config(const std::string& path,
                                                   std::vector<std::string>& warnings);

}  // namespace aquifer::compat::memcache
