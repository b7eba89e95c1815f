#include "leftovers.h"

#include <filesystem>
#include <fstream>
#include <system_error>
#include <thread>

#include "base/strings.h"

namespace aquifer::contention {
namespace {

namespace fs = std::filesystem;

std::size_t entries_in(const fs::path& folder, std::string_view with = "") {
  std::size_t count = 0;
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(folder, ignored)) {
    count += entry.path().filename().string().find(with) != std::string::npos;
  }
  return count;
}

std::size_t shared_mappings() {
  std::ifstream maps("/proc/self/maps");
  std::size_t count = 0;
  for (std::string line; std::getline(maps, line);) {
    const auto rights = line.find(' ');
    count += rights != std::string::npos && line.size() > rights + 4 && line[rights + 4] == 's';
  }
  return count;
}

std::size_t children() {
  std::size_t count = 0;
  std::error_code ignored;
  for (const auto& task : fs::directory_iterator("/proc/self/task", ignored)) {
    std::ifstream list(task.path() / "children");
    for (std::string pid; list >> pid;) ++count;
  }
  return count;
}

}  // namespace

std::string Holdings::text() const {
  return base::cat(threads, " threads, ", descriptors, " descriptors, ", shared_mappings,
                   " shared mappings, ", children, " children, ", shm_files, " files in /dev/shm");
}

Holdings holdings_now() {
  return {entries_in("/proc/self/task"), entries_in("/proc/self/fd"), shared_mappings(), children(),
          entries_in("/dev/shm", "aquifer")};
}

Holdings wait_for(const Holdings& before, std::chrono::milliseconds patience) {
  const auto deadline = std::chrono::steady_clock::now() + patience;
  Holdings now = holdings_now();
  while (!(now == before) && std::chrono::steady_clock::now() < deadline) {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
    now = holdings_now();
  }
  return now;
}

}  // namespace aquifer::contention
