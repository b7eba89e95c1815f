#include "apps/workload_machine.h"

#include <sched.h>
#include <sys/utsname.h>

#include <algorithm>
#include <fstream>
#include <optional>
#include <sstream>
#include <thread>

#include "base/size.h"

namespace aquifer::apps {
namespace {

namespace fs = std::filesystem;

std::string first_line(const fs::path& path) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  return line;
}

/// What follows "name ... :" in a file of such lines, without the blanks around it; empty when
/// there is none.
std::string field(const fs::path& path, std::string_view name) {
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    if (!line.starts_with(name)) continue;
    const auto colon = line.find(':');
    if (colon == std::string::npos) continue;
    const auto begin = line.find_first_not_of(" \t", colon + 1);
    return begin == std::string::npos ? "" : line.substr(begin);
  }
  return "";
}

std::uint64_t memory_field(const fs::path& root, std::string_view name) {
  std::uint64_t kilobytes = 0;
  std::istringstream(field(root / "proc/meminfo", name)) >> kilobytes;
  return kilobytes * 1024;
}

/// "107520K" as sysfs writes sizes.
std::optional<std::uint64_t> cache_size(const std::string& text) {
  if (text.empty()) return std::nullopt;
  return base::parse_size(std::isdigit(static_cast<unsigned char>(text.back())) != 0 ? text
                                                                                     : text + "iB");
}

/// The largest cache of the highest level that any processor has.
std::optional<std::uint64_t> last_level_cache(const fs::path& root) {
  int highest = 0;
  std::uint64_t bytes = 0;
  std::error_code ignored;
  for (const auto& cpu : fs::directory_iterator(root / "sys/devices/system/cpu", ignored)) {
    for (const auto& index : fs::directory_iterator(cpu.path() / "cache", ignored)) {
      const auto size = cache_size(first_line(index.path() / "size"));
      int level = 0;
      std::istringstream(first_line(index.path() / "level")) >> level;
      if (!size || level < highest || first_line(index.path() / "type") == "Instruction") continue;
      bytes = level > highest ? *size : std::max(bytes, *size);
      highest = level;
    }
  }
  if (bytes == 0) return std::nullopt;
  return bytes;
}

unsigned usable_cores() {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (sched_getaffinity(0, sizeof set, &set) == 0) return static_cast<unsigned>(CPU_COUNT(&set));
  return std::max(1u, std::thread::hardware_concurrency());
}

/// The choice in brackets: "always [madvise] never".
std::string chosen(const std::string& line) {
  const auto begin = line.find('[');
  const auto end = line.find(']');
  if (begin == std::string::npos || end == std::string::npos || end < begin) return "unknown";
  return line.substr(begin + 1, end - begin - 1);
}

}  // namespace

Machine read_machine(const fs::path& root) {
  Machine machine;
  const std::string processor = field(root / "proc/cpuinfo", "model name");
  if (!processor.empty()) machine.processor = processor;
  machine.cores = usable_cores();
  if (const auto bytes = last_level_cache(root)) {
    machine.cache_bytes = *bytes;
    machine.cache_known = true;
  }
  machine.memory_bytes = memory_field(root, "MemTotal");
  machine.available_bytes = memory_field(root, "MemAvailable");
  utsname names{};
  if (uname(&names) == 0) machine.kernel = names.release;
  machine.huge_pages = chosen(first_line(root / "sys/kernel/mm/transparent_hugepage/enabled"));
  return machine;
}

std::uint64_t rotation_bytes(const Machine& machine) {
  return std::min<std::uint64_t>(4 * machine.cache_bytes, 2ull << 30);
}

}  // namespace aquifer::apps
