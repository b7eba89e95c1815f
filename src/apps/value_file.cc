#include "apps/value_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>

#include "apps/explain.h"
#include "apps/report.h"
#include "aquifer/types.h"
#include "base/size.h"
#include "base/strings.h"
#include "base/unique_fd.h"

namespace aquifer::apps {
namespace {

/// What messages call `path`.
std::string shown(const std::string& path) {
  return path == kStandardStream ? "the standard input" : quoted(path);
}

Error io_error(std::string_view what, const std::string& path, int number, std::string hint = {}) {
  return {Status::kIo, base::cat("cannot ", what, " ", shown(path), ": ", std::strerror(number)),
          std::move(hint)};
}

Error read_error(const std::string& path, int number) {
  return io_error("read", path, number,
                  "FILE is a file to read the value from, or - for the standard input");
}

Error too_large(const std::string& path) {
  return {Status::kTooLarge,
          base::cat(shown(path), " is larger than a value may be (",
                    base::format_size(Limits::kValueBytes), ")"),
          "split it over several keys"};
}

/// Reads to the end, or to one byte over the limit of a value.
Result<std::string> read_to_end(int descriptor, std::size_t expected, const std::string& path) {
  constexpr std::size_t kStep = std::size_t{1} << 20;
  std::string value;
  std::size_t filled = 0;
  // One byte more than expected, so that the end is seen without growing.
  value.resize(expected + 1);
  while (filled <= Limits::kValueBytes) {
    if (filled == value.size()) value.resize(value.size() + std::max(kStep, value.size()));
    const ssize_t count = ::read(descriptor, value.data() + filled, value.size() - filled);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return read_error(path, errno);
    if (count == 0) {
      value.resize(filled);
      return value;
    }
    filled += static_cast<std::size_t>(count);
  }
  return too_large(path);
}

/// Where `path` leads: through symbolic links, so that a link stays a link.
std::string resolved(const std::string& path) {
  const std::unique_ptr<char, decltype(&std::free)> real(::realpath(path.c_str(), nullptr),
                                                         &std::free);
  return real ? std::string(real.get()) : path;
}

Result<void> write_directly(const std::string& path, std::string_view value) {
  const base::UniqueFd file(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
  if (!file) return io_error("write", path, errno);
  return write_all(file.get(), value, quoted(path));
}

/// A file beside its final place, removed unless it got there. Without a name until it is whole,
/// where the file system can do that, so that nothing is left behind however the process ends.
class TemporaryFile {
 public:
  explicit TemporaryFile(const std::string& target)
      : target_(target), path_(base::cat(target, ".aquifer-", ::getpid())) {}
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;
  ~TemporaryFile() {
    if (file_ && !is_nameless_) ::unlink(path_.c_str());
  }

  Result<void> write(std::string_view value, mode_t mode) {
    const std::size_t slash = target_.rfind('/');
    const std::string folder = slash == std::string::npos ? "." : target_.substr(0, slash + 1);
    file_.reset(::open(folder.c_str(), O_TMPFILE | O_WRONLY | O_CLOEXEC, mode));
    is_nameless_ = static_cast<bool>(file_);
    if (!file_) {
      file_.reset(
          ::open(path_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, mode));
    }
    if (!file_) return io_error("write", target_, errno);
    return write_all(file_.get(), value, quoted(target_));
  }

  Result<void> move_to_target() {
    const std::string nameless = base::cat("/proc/self/fd/", file_.get());
    if (is_nameless_ &&
        ::linkat(AT_FDCWD, nameless.c_str(), AT_FDCWD, path_.c_str(), AT_SYMLINK_FOLLOW) != 0) {
      return io_error("write", target_, errno);
    }
    is_nameless_ = false;
    if (::rename(path_.c_str(), target_.c_str()) != 0) return io_error("write", target_, errno);
    file_.reset();
    return {};
  }

 private:
  std::string target_;
  std::string path_;
  base::UniqueFd file_;
  bool is_nameless_ = false;
};

}  // namespace

Result<std::string> read_value(const std::string& path) {
  const bool is_stdin = path == kStandardStream;
  const base::UniqueFd opened(is_stdin ? -1 : ::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!is_stdin && !opened) return read_error(path, errno);
  const int descriptor = is_stdin ? STDIN_FILENO : opened.get();
  struct stat found {};
  if (::fstat(descriptor, &found) != 0) return read_error(path, errno);
  if (S_ISDIR(found.st_mode)) return read_error(path, EISDIR);
  const std::size_t expected = S_ISREG(found.st_mode) ? static_cast<std::size_t>(found.st_size) : 0;
  if (expected > Limits::kValueBytes) return too_large(path);
  auto value = read_to_end(descriptor, expected, path);
  if (value && value->empty()) {
    return Error{Status::kInvalidArgument, base::cat(shown(path), " is empty"),
                 "a value has at least 1 byte"};
  }
  return value;
}

Result<void> write_value(const std::string& path, std::string_view value) {
  if (path == kStandardStream) return write_all(STDOUT_FILENO, value, "the value to the output");
  const std::string target = resolved(path);
  struct stat found {};
  const bool exists = ::stat(target.c_str(), &found) == 0;
  if (exists && S_ISDIR(found.st_mode)) return io_error("write", path, EISDIR);
  if (exists && !S_ISREG(found.st_mode)) return write_directly(path, value);
  constexpr mode_t kNewFile = 0666;  // less the umask
  TemporaryFile file(target);
  if (auto written = file.write(value, exists ? found.st_mode & 0777 : kNewFile); !written) {
    return written;
  }
  return file.move_to_target();
}

}  // namespace aquifer::apps
