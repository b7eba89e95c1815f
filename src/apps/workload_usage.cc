#include "apps/workload_usage.h"

#include <time.h>
#include <unistd.h>

#include <cstring>
#include <fstream>

#include "base/strings.h"

namespace aquifer::apps {
namespace {

Error gone(pid_t process, const char* what, int error) {
  return {Status::kIo,
          base::cat("cannot read the ", what, " of process ", process,
                    error != 0 ? base::cat(": ", std::strerror(error)) : std::string()),
          "has it ended?"};
}

}  // namespace

Result<double> cpu_seconds(pid_t process) {
  clockid_t clock{};
  if (const int error = clock_getcpuclockid(process, &clock); error != 0) {
    return gone(process, "CPU time", error);
  }
  timespec used{};
  if (clock_gettime(clock, &used) != 0) return gone(process, "CPU time", errno);
  return static_cast<double>(used.tv_sec) + static_cast<double>(used.tv_nsec) / 1e9;
}

Result<std::uint64_t> resident_bytes(pid_t process) {
  std::ifstream file(base::cat("/proc/", process, "/statm"));
  std::uint64_t total_pages = 0;
  std::uint64_t resident_pages = 0;
  if (!(file >> total_pages >> resident_pages)) return gone(process, "memory", 0);
  return resident_pages * static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
}

}  // namespace aquifer::apps
