// A progress bar on the terminal, so that a minute of measuring does not look like a hang. Shown on
// stderr and only when that is a terminal; otherwise every call does nothing.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

namespace aquifer::apps {

class Progress {
 public:
  /// A bar on `descriptor` if that is a terminal.
  explicit Progress(int descriptor = 2);
  /// Removes the bar.
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  /// Starts again from nothing, towards `total` steps.
  void begin(std::uint64_t total);

  /// Says what is being done; drawn at once.
  void describe(std::string_view what);

  /// Counts steps that are done; drawn some times a second.
  void advance(std::uint64_t steps = 1);

 private:
  void draw();

  int descriptor_;
  bool is_shown_;
  std::uint64_t done_ = 0;
  std::uint64_t total_ = 0;
  std::string what_;
  std::chrono::steady_clock::time_point begin_{};
  std::chrono::steady_clock::time_point drawn_{};
};

}  // namespace aquifer::apps
