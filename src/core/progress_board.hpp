// progress_board.hpp: how far leased tasks are, in their handlers' words.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <unordered_map>

#include "core/task_table.hpp"
#include "core/time.hpp"

namespace sluice::core {

/// The latest text of each leased task that has one. A task that is leased no more is erased;
/// most tasks never have a text and cost nothing.
class ProgressBoard {
 public:
  struct Note {
    std::string text;
    Time since{};  ///< when it came
  };

  explicit ProgressBoard(std::size_t most) : most_(most) {}

  /// An empty text takes the task's note away. When the board is full, only tasks that have a
  /// note get a newer one.
  void put(TaskSlot task, std::string_view text, Time now);
  void erase(TaskSlot task) {
    if (!notes_.empty()) notes_.erase(task);
  }
  /// Null if there is none.
  [[nodiscard]] const Note* find(TaskSlot task) const;
  [[nodiscard]] std::size_t size() const { return notes_.size(); }

 private:
  const std::size_t most_;
  std::unordered_map<TaskSlot, Note> notes_;
};

}  // namespace sluice::core
