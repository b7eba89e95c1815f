#include "apps/workload_output.h"

#include <fcntl.h>

#include <cerrno>
#include <cstring>

#include "apps/exit_code.h"
#include "base/strings.h"
#include "base/unique_fd.h"

namespace aquifer::apps {

int print_results(const Report& report, std::string_view text, std::string_view json,
                  const std::string& json_file) {
  if (json_file == "-") return report.done(json, {});
  const int printed = report.done(text, {});
  if (printed != ExitCode::kDone || json_file.empty()) return printed;
  const base::UniqueFd file(
      open(json_file.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));
  if (!file) {
    return report.fail(
        {Status::kIo, base::cat("cannot write ", json_file, ": ", std::strerror(errno)), ""});
  }
  const auto written = write_all(file.get(), json, json_file);
  return written ? ExitCode::kDone : report.fail(written.error());
}

}  // namespace aquifer::apps
