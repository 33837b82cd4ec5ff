// progress_board.cpp: one text a task, and not more of them than there is room for.
// SPDX-License-Identifier: MIT
#include "core/progress_board.hpp"

namespace sluice::core {

void ProgressBoard::put(TaskSlot task, std::string_view text, Time now) {
  if (text.empty()) return erase(task);
  if (notes_.size() >= most_ && notes_.count(task) == 0) return;
  Note& note = notes_[task];
  note.text = text;
  note.since = now;
}

const ProgressBoard::Note* ProgressBoard::find(TaskSlot task) const {
  const auto at = notes_.find(task);
  return at != notes_.end() ? &at->second : nullptr;
}

}  // namespace sluice::core
