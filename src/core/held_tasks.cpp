// held_tasks.cpp: places of held tasks, and how many stand where.
// SPDX-License-Identifier: MIT
#include "core/held_tasks.hpp"

#include <algorithm>

#include "core/assert.hpp"

namespace sluice::core {
namespace {

constexpr std::size_t kMostNote = 512;  // more would be cut on the wire anyway
constexpr std::uint64_t kMostTtlMs = 365ULL * 24 * 3600 * 1000;  // keeps now + ttl in range

}  // namespace

TaskHandle HeldTasks::add(const TaskEntry& entry, Time now) {
  std::uint32_t at = 0;
  if (free_.empty()) {
    at = static_cast<std::uint32_t>(places_.size());
    places_.emplace_back();
  } else {
    at = free_.back();
    free_.pop_back();
  }
  Place& place = places_[at];
  place.used = true;
  Held& task = place.task;
  task = Held{};
  task.seq = entry.seq;
  task.lease = entry.lease;
  task.attempt = entry.attempt;
  task.flags = entry.flags;
  task.exec_ms = entry.exec_ms;
  task.received = now;
  if (entry.ttl_ms > 0) task.expires = now + from_ms(std::min(entry.ttl_ms, kMostTtlMs));
  task.bytes = chunks_.copy(as_bytes(entry.key), entry.payload);
  task.key_size = static_cast<std::uint32_t>(entry.key.size());
  bytes_ += task.bytes.size();
  ++counts_[static_cast<std::size_t>(TaskPhase::queued)];
  ++size_;
  return handle_of(at);
}

Held* HeldTasks::find(TaskHandle handle) {
  const std::size_t at = raw(handle) & 0xffffffff;
  if (at >= places_.size()) return nullptr;
  Place& place = places_[at];
  if (!place.used || place.generation != raw(handle) >> 32) return nullptr;
  return &place.task;
}

void HeldTasks::erase(TaskHandle handle) {
  Held* const task = find(handle);
  SLUICE_ASSERT(task != nullptr);
  drop_bytes(*task);
  task->note = Slice{};
  --counts_[static_cast<std::size_t>(task->phase)];
  --size_;
  const std::size_t at = raw(handle) & 0xffffffff;
  places_[at].used = false;
  ++places_[at].generation;
  free_.push_back(static_cast<std::uint32_t>(at));
}

void HeldTasks::set_phase(Held& task, TaskPhase phase) {
  --counts_[static_cast<std::size_t>(task.phase)];
  ++counts_[static_cast<std::size_t>(phase)];
  task.phase = phase;
}

void HeldTasks::drop_bytes(Held& task) {
  bytes_ -= task.bytes.size();
  task.bytes = Slice{};
  task.key_size = 0;
}

void HeldTasks::set_note(Held& task, std::string_view text) {
  task.note = chunks_.copy(as_bytes(text.substr(0, kMostNote)));
}

std::vector<std::pair<Seq, TaskHandle>> HeldTasks::by_seq() {
  std::vector<std::pair<Seq, TaskHandle>> all;
  all.reserve(size_);
  for_each([&](TaskHandle handle, const Held& task) { all.emplace_back(task.seq, handle); });
  std::sort(all.begin(), all.end());
  return all;
}

}  // namespace sluice::core
