// A table for a terminal: columns as wide as their widest cell, two spaces between. Not for JSON,
// and without borders, so that lines survive copying and grep.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace aquifer::apps {

class TextTable {
 public:
  /// The first `left_columns` are aligned to the left, the others (numbers) to the right.
  TextTable(std::vector<std::string> head, std::size_t left_columns);

  /// A row with as many cells as the head; missing ones are empty, surplus ones are dropped.
  void add(std::vector<std::string> cells);

  /// Head and rows, a line each, without spaces at the ends of lines.
  std::string text() const;

 private:
  std::vector<std::vector<std::string>> rows_;
  std::size_t left_columns_;
};

}  // namespace aquifer::apps
