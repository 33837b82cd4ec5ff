// outcome_search.cpp: a pass through the file, line by line.
// SPDX-License-Identifier: MIT
#include "store/outcome_search.hpp"

#include <algorithm>
#include <string_view>
#include <utility>

#include "store/outcome_line.hpp"

namespace sluice::store {

void OutcomeSearch::begin(std::uint64_t size, const OutcomeIndex* index) {
  wanted_.swap(next_);
  parts_.clear();
  if (index != nullptr) parts_ = index->parts(wanted_, size);
  if (index == nullptr && size > 0) parts_.push_back({0, size});
  std::reverse(parts_.begin(), parts_.end());
  buffer_.clear();
  if (!parts_.empty()) at_ = parts_.back().from;
  if (file_ == nullptr) file_ = directory_.open_to_read(path_);
}

// Parts begin and end with whole lines. False after the last.
bool OutcomeSearch::next_part() {
  if (parts_.size() <= 1) return false;
  parts_.pop_back();
  at_ = parts_.back().from;
  buffer_.clear();
  return true;
}

void OutcomeSearch::end(const Missing& missing) {
  const std::set<core::TaskKey> left = std::exchange(wanted_, {});
  buffer_ = {};
  for (const core::TaskKey& task : left) missing(task);
}

// Appends to the buffer; false at the end of the part.
bool OutcomeSearch::read(std::size_t bytes) {
  const std::uint64_t from = at_ + buffer_.size();
  if (file_ == nullptr || parts_.empty() || from >= parts_.back().to) return false;
  const std::size_t had = buffer_.size();
  const std::uint64_t left = parts_.back().to - from;
  buffer_.resize(had + static_cast<std::size_t>(std::min<std::uint64_t>(bytes, left)));
  const ssize_t got = file_->read_at(buffer_.data() + had, buffer_.size() - had, from);
  buffer_.resize(had + static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
  return got > 0;
}

void OutcomeSearch::step(std::size_t bytes, std::uint64_t size, const Found& found,
                         const Missing& missing, const OutcomeIndex* index) {
  if (wanted_.empty()) begin(size, index);
  if (wanted_.empty()) return;
  bool more = true;
  std::size_t newline = std::string::npos;
  do {  // a line may be longer than a slice
    const std::size_t had = buffer_.size();
    more = read(bytes);
    newline = buffer_.find('\n', had);
  } while (more && newline == std::string::npos);
  std::size_t start = 0;
  for (; newline != std::string::npos && !wanted_.empty(); newline = buffer_.find('\n', start)) {
    const std::string_view line = std::string_view(buffer_).substr(start, newline - start);
    start = newline + 1;
    const auto facts = read_outcome_line(line);
    if (!facts) continue;
    const auto at = wanted_.find({facts->id.log, static_cast<core::Seq>(facts->id.seq)});
    if (at == wanted_.end()) continue;
    const auto outcome = read_whole_outcome(line);
    if (!outcome) continue;
    wanted_.erase(at);  // of two lines for one task the first stands
    found(*outcome);
  }
  buffer_.erase(0, start);
  at_ += start;
  if (wanted_.empty() || (!more && !next_part())) end(missing);
}

}  // namespace sluice::store
