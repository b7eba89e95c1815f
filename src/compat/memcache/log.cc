#include "compat/memcache/log.h"

#include <atomic>
#include <mutex>
#include <set>

#include "base/log.h"

namespace aquifer::compat::memcache {
namespace {

std::atomic<ExternalLog> external{nullptr};
std::atomic<int> lowest{static_cast<int>(Level::kWarning)};

}  // namespace

void set_logger(ExternalLog logger) { external = logger; }
void set_level(int level) { lowest = level; }

void log(Level level, std::string_view text) {
  if (static_cast<int>(level) < lowest) return;
  if (const ExternalLog logger = external) {
    return logger(static_cast<int>(level), std::string(text).c_str());
  }
  base::log_line(static_cast<base::LogLevel>(level), "memcache", text);
}

void warn_once(const std::string& text) {
  static std::mutex mutex;
  static std::set<std::string> said;
  {
    const std::lock_guard lock(mutex);
    if (!said.insert(text).second) return;
  }
  log(Level::kWarning, text);
}

}  // namespace aquifer::compat::memcache
