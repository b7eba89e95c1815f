// What a local_config means here: validated, with MemCache's words turned into ours.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "aquifer/result.h"
#include "aquifer/types.h"
#include "memcache/mmc_def.h"

namespace aquifer::compat::memcache {

struct Settings {
  std::string meta;              ///< address of the metadata service
  std::uint64_t dram_bytes = 0;  ///< memory given to the pool
  Transport transport = Transport::kAuto;
  std::chrono::milliseconds timeout{0};   ///< of a call
  std::chrono::milliseconds patience{0};  ///< for a meta that is not there, when joining
  std::uint32_t ranks_max = 0;
  unsigned copy_threads = 1;
  int log_level = 1;                  ///< 0 debug to 3 error
  std::vector<std::string> warnings;  ///< what was asked for and is not to be had
};

/// Errors: kInvalidArgument, naming everything that is out of its range; kNotSupported, naming what
/// cannot be left out safely (TLS, device memory alone).
Result<Settings> read_settings(const local_config& config);

/// 0 debug, 1 info, 2 warn, 3 error; nothing for other words.
std::optional<int> level_of(std::string_view word);

/// "tcp://HOST:PORT" with a port of 1025 to 65535; an explanation otherwise.
std::optional<std::string> why_not_url(std::string_view name, std::string_view url,
                                       std::string_view scheme);

}  // namespace aquifer::compat::memcache
