// Where this library's few lines go: stderr, or the engine's own logger.
#pragma once

#include <string>
#include <string_view>

#include "memcache/mmc_def.h"

namespace aquifer::compat::memcache {

enum class Level : int { kDebug = 0, kInfo = 1, kWarning = 2, kError = 3 };

/// Thread-safe, all of them.
void set_logger(ExternalLog logger);
/// Lines below are left out; kWarning at first.
void set_level(int level);
void log(Level level, std::string_view text);
/// The first time that this process has this to say.
void warn_once(const std::string& text);

}  // namespace aquifer::compat::memcache
