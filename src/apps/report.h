// How a command says what became of it: text or JSON on stdout, errors on stderr (or as JSON on
// stdout), and the exit status. Not here: what the text is (render.h) and what errors say
// (explain.h).
#pragma once

#include <string>
#include <string_view>

#include "aquifer/result.h"

namespace aquifer::apps {

/// Where a command writes; file descriptors, so that tests can give their own.
struct Streams {
  int output = 1;
  int errors = 2;
};

/// Writes all of `text`; `name` is what an error calls the file. A reader that has gone away is no
/// error: it had enough. Requires: SIGPIPE is ignored.
Result<void> write_all(int descriptor, std::string_view text, std::string_view name = "the output");

/// Whether `descriptor` is a pipe or socket whose reader has gone away.
bool reader_has_left(int descriptor);

/// The report of one run of one command. A plain value.
class Report {
 public:
  Report(std::string_view command, bool json, Streams streams = {});

  bool json() const { return json_; }

  /// Prints `text`, or `json` with --json. Returns the exit status: done, unless it cannot be
  /// printed.
  int done(std::string_view text, std::string_view json) const;

  /// Prints the error as "aquifer COMMAND: message" with its hint below, or as JSON. Returns the
  /// exit status for it.
  int fail(const Error& error) const;

  /// One line on stderr, with the name of the command before it.
  void note(std::string_view line) const;

 private:
  std::string name_;  // "aquifer put"
  bool json_;
  Streams streams_;
};

}  // namespace aquifer::apps
