// suggestion.cpp: the distance between words.
// SPDX-License-Identifier: MIT
#include "cli/suggestion.hpp"

#include <algorithm>
#include <cstddef>
#include <vector>

namespace sluice::cli {
namespace {

constexpr std::size_t kMostDifferent = 3;
constexpr std::size_t kLongestWord = 64;

// Letters changed, added, left out, or swapped with their neighbour.
std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> two_above, above(b.size() + 1), row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) above[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t changed = above[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      row[j] = std::min({changed, above[j] + 1, row[j - 1] + 1});
      const bool swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
      if (swapped) row[j] = std::min(row[j], two_above[j - 2] + 1);
    }
    two_above = above;
    above = row;
  }
  return above[b.size()];
}

}  // namespace

std::string nearest_word(std::string_view typed, std::span<const std::string> known) {
  if (typed.empty() || typed.size() > kLongestWord) return {};
  std::string best;
  std::size_t fewest = std::min(kMostDifferent, std::max<std::size_t>(typed.size() / 3, 1)) + 1;
  for (const std::string& word : known) {
    // The beginning of a word is what people type who expect to be understood.
    const bool begins = typed.size() >= 3 && word.starts_with(typed);
    const std::size_t different = begins ? 0 : distance(typed, word);
    if (different >= fewest) continue;
    fewest = different;
    best = word;
  }
  return best;
}

std::string did_you_mean(std::string_view typed, std::span<const std::string> known) {
  const std::string meant = nearest_word(typed, known);
  return meant.empty() ? std::string() : "; did you mean " + meant + "?";
}

}  // namespace sluice::cli
