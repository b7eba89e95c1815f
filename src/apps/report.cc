#include "apps/report.h"

#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "apps/exit_code.h"
#include "apps/render.h"
#include "base/strings.h"

namespace aquifer::apps {

Result<void> write_all(int descriptor, std::string_view text, std::string_view name) {
  while (!text.empty()) {
    const ssize_t written = ::write(descriptor, text.data(), text.size());
    if (written >= 0) {
      text.remove_prefix(static_cast<std::size_t>(written));
    } else if (errno == EPIPE) {
      return {};
    } else if (errno != EINTR) {
      return Error{Status::kIo, base::cat("cannot write ", name, ": ", std::strerror(errno)), ""};
    }
  }
  return {};
}

bool reader_has_left(int descriptor) {
  pollfd look{descriptor, 0, 0};
  return poll(&look, 1, 0) == 1 && (look.revents & (POLLERR | POLLHUP)) != 0;
}

Report::Report(std::string_view command, bool json, Streams streams)
    : name_(command.empty() ? "aquifer" : base::cat("aquifer ", command)),
      json_(json),
      streams_(streams) {}

int Report::done(std::string_view text, std::string_view json) const {
  const auto written = write_all(streams_.output, json_ ? json : text);
  if (written) return ExitCode::kDone;
  note(written.error().message);
  return exit_code_of(written.code());
}

int Report::fail(const Error& error) const {
  const int code = exit_code_of(error.code);
  // A failure that nobody can read is still a failure: what the writes say does not matter.
  if (json_) {
    (void)write_all(streams_.output, error_json(error));
  } else {
    note(error.message);
    if (!error.hint.empty()) {
      (void)write_all(streams_.errors, base::cat("  hint: ", error.hint, "\n"));
    }
  }
  return code == ExitCode::kDone ? ExitCode::kFailed : code;
}

void Report::note(std::string_view line) const {
  (void)write_all(streams_.errors, base::cat(name_, ": ", line, "\n"));
}

}  // namespace aquifer::apps
