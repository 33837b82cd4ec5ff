// text_table.cpp: widths and padding.
// SPDX-License-Identifier: MIT
#include "cli/text_table.hpp"

#include <algorithm>
#include <string_view>
#include <utility>

namespace sluice::cli {
namespace {

// Columns on the screen: bytes that begin a character of UTF-8. Wide characters are not known.
std::size_t width_of(std::string_view text) {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xC0) != 0x80;
  }));
}

}  // namespace

TextTable::TextTable(std::vector<Column> columns) : columns_(std::move(columns)) {
  for (const Column& column : columns_) widths_.push_back(width_of(column.heading));
}

void TextTable::add(std::vector<std::string> cells) {
  cells.resize(columns_.size());
  for (std::size_t i = 0; i < cells.size(); ++i) {
    std::replace_if(
        cells[i].begin(), cells[i].end(),
        [](char c) { return static_cast<unsigned char>(c) < ' ' || c == 0x7F; }, '?');
    widths_[i] = std::max(widths_[i], width_of(cells[i]));
  }
  rows_.push_back(std::move(cells));
}

std::string TextTable::line(const std::vector<std::string>& cells) const {
  std::string text;
  for (std::size_t i = 0; i < cells.size(); ++i) {
    const std::string padding(widths_[i] - width_of(cells[i]), ' ');
    if (i > 0) text += "  ";
    text += columns_[i].align == Align::right ? padding + cells[i] : cells[i] + padding;
  }
  text.erase(text.find_last_not_of(' ') + 1);
  return text;
}

std::string TextTable::text(bool bold) const {
  std::vector<std::string> headings;
  for (const Column& column : columns_) headings.push_back(column.heading);
  std::string all = bold ? "\x1b[1m" + line(headings) + "\x1b[0m\n" : line(headings) + '\n';
  for (const auto& row : rows_) all += line(row) + '\n';
  return all;
}

}  // namespace sluice::cli
