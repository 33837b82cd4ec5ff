// task_desk.cpp: slots, finished tasks and progress, under one lock.
// SPDX-License-Identifier: MIT
#include "net/task_desk.hpp"

#include "wire/limits.hpp"
#include "wire/utf8.hpp"

namespace sluice::net {

TaskDesk::TaskDesk(Wake& wake, std::uint32_t first, std::uint32_t last) : wake_(&wake) {
  for (std::uint32_t slot = last; slot > first; --slot) free_slots_.push_back(slot - 1);
}

void TaskDesk::progress(TaskCell& cell, core::TaskHandle task, std::string_view text) {
  const std::string_view cut = wire::utf8_clip(text, wire::kMaxText);
  const std::scoped_lock lock(mutex_);
  if (wake_ == nullptr) return;
  const bool is_other = cell.speaker != core::raw(task);
  if (is_other) cell.speaker = core::raw(task);
  if (cut == (is_other ? std::string_view() : std::string_view(cell.text))) {
    cell.text = cut;
    return;
  }
  cell.text = cut;
  if (std::exchange(cell.is_news, true)) return;
  news_.push_back(&cell);
  if (news_.size() == 1) wake_->signal();
}

void TaskDesk::finish(const JobReport& report, std::uint32_t slot) {
  const std::scoped_lock lock(mutex_);
  if (wake_ == nullptr) return;
  const bool is_first = reports_.empty();
  reports_.add(report);
  free_slots_.push_back(slot);
  slot_freed_.notify_one();
  if (is_first) wake_->signal();
}

std::optional<std::uint32_t> TaskDesk::take_slot() {
  std::unique_lock lock(mutex_);
  slot_freed_.wait(lock, [this] { return wake_ == nullptr || !free_slots_.empty(); });
  if (wake_ == nullptr) return std::nullopt;
  const std::uint32_t slot = free_slots_.back();
  free_slots_.pop_back();
  return slot;
}

TaskCell& TaskDesk::cell(core::TaskHandle task) {
  const std::size_t place = core::raw(task) & 0xffffffffU;
  while (cells_.size() <= place) cells_.emplace_back();
  return cells_[place];
}

bool TaskDesk::has_reports() {
  const std::scoped_lock lock(mutex_);
  return !reports_.empty();
}

void TaskDesk::take_reports(ReportBuffer& out) {
  const std::scoped_lock lock(mutex_);
  std::swap(reports_, out);
}

bool TaskDesk::has_progress() {
  const std::scoped_lock lock(mutex_);
  return !news_.empty();
}

void TaskDesk::take_progress(std::size_t most,
                             std::vector<std::pair<core::TaskHandle, std::string>>& out) {
  const std::scoped_lock lock(mutex_);
  for (; most > 0 && !news_.empty(); --most) {
    TaskCell& cell = *news_.front();
    news_.pop_front();
    cell.is_news = false;
    out.emplace_back(static_cast<core::TaskHandle>(cell.speaker), cell.text);
  }
}

void TaskDesk::close() {
  const std::scoped_lock lock(mutex_);
  wake_ = nullptr;
  closed_.store(true);
  slot_freed_.notify_all();
}

}  // namespace sluice::net
