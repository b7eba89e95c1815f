#include "apps/workload_progress.h"

#include <unistd.h>

#include <algorithm>

#include "base/strings.h"

namespace aquifer::apps {
namespace {

using Clock = std::chrono::steady_clock;
constexpr std::size_t kBarWidth = 30;
constexpr auto kRedraw = std::chrono::milliseconds(100);
constexpr std::string_view kClearLine = "\r\x1b[K";

void write_line(int descriptor, std::string_view text) {
  [[maybe_unused]] const ssize_t ignored = ::write(descriptor, text.data(), text.size());
}

}  // namespace

Progress::Progress(int descriptor)
    : descriptor_(descriptor), is_shown_(isatty(descriptor) != 0), begin_(Clock::now()) {}

Progress::~Progress() {
  if (is_shown_) write_line(descriptor_, kClearLine);
}

void Progress::begin(std::uint64_t total) {
  total_ = total;
  done_ = 0;
  begin_ = Clock::now();
}

void Progress::describe(std::string_view what) {
  what_ = what;
  draw();
}

void Progress::advance(std::uint64_t steps) {
  done_ = std::min(done_ + steps, total_);
  if (Clock::now() - drawn_ >= kRedraw) draw();
}

void Progress::draw() {
  if (!is_shown_) return;
  drawn_ = Clock::now();
  const std::uint64_t total = std::max<std::uint64_t>(total_, 1);
  const std::size_t filled = kBarWidth * done_ / total;
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(drawn_ - begin_).count();
  std::string line(kClearLine);
  line += base::cat('[', std::string(filled, '#'), std::string(kBarWidth - filled, '.'), "] ",
                    100 * done_ / total, " %  ", seconds, " s  ", what_);
  write_line(descriptor_, line);
}

}  // namespace aquifer::apps
