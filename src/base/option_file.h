// The file behind --config: lines of `key = value`.
//
// The common part of ini and toml that one command needs: `#` begins a comment, a value may stand
// in double quotes (inside them \" and \\ are read as " and \), keys are option names with dashes
// or underscores. No sections: a file belongs to one command.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace aquifer::base {

struct OptionFileEntry {
  std::string key;  // with dashes
  std::string value;
  std::size_t line = 0;  // counted from 1
};

/// Either the entries, or (not empty) the error as "FILE:LINE: what is wrong".
struct OptionFile {
  std::vector<OptionFileEntry> entries;
  std::string error;
};

/// Reads the file at `path`. Errors: it cannot be read; a line is not of the form; a key stands
/// twice.
OptionFile read_option_file(const std::string& path);

/// `value` such that a file reads it back: quoted when it is empty, or holds spaces at its ends,
/// quotes or #.
std::string quote_for_option_file(const std::string& value);

}  // namespace aquifer::base
