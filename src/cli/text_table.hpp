// text_table.hpp: columns of text under their headings, for people.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace sluice::cli {

/// Collects rows and aligns them: two spaces between columns, numbers to the right.
class TextTable {
 public:
  enum class Align : unsigned char { left, right };
  struct Column {
    std::string heading;
    Align align = Align::right;
  };

  explicit TextTable(std::vector<Column> columns);

  /// One row; cells that are missing are empty. Control characters in them are shown as '?': names
  /// come from peers.
  void add(std::vector<std::string> cells);

  /// One line for the headings and one for each row. `bold` is put around the headings.
  [[nodiscard]] std::string text(bool bold = false) const;

 private:
  [[nodiscard]] std::string line(const std::vector<std::string>& cells) const;

  std::vector<Column> columns_;
  std::vector<std::size_t> widths_;
  std::vector<std::vector<std::string>> rows_;
};

}  // namespace sluice::cli
