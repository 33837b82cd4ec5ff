// runner_acks.cpp: messages of acks, nacks and returns, and their numbers.
// SPDX-License-Identifier: MIT
#include "core/runner_acks.hpp"

#include <algorithm>
#include <utility>

namespace sluice::core {
namespace {

// Notes travel in the heap of a NACK, which is a control frame of 64 KiB like any other.
constexpr std::size_t kMostNackBytes = 32 * 1024;
constexpr std::size_t kNackEntryBytes = 48;

}  // namespace

void RunnerAcks::add(TaskHandle handle, const Held& task) {
  if (task.phase == TaskPhase::ack_open)
    acks_.push_back(handle);
  else if (task.returned)
    returns_.push_back(handle);
  else
    nacks_.push_back(handle);
}

void RunnerAcks::flush(HeldTasks& tasks, Sid sid, std::uint64_t max_entries, EntryPool& pool,
                       std::vector<Envelope>& out) {
  const std::size_t most = static_cast<std::size_t>(std::max<std::uint64_t>(max_entries, 1));
  for (std::size_t at = 0; at < acks_.size();) {
    auto ack = pool.take<Ack>();
    ++ano_;
    for (; at < acks_.size() && ack.entries.size() < most; ++at) {
      const Held* const task = tasks.find(acks_[at]);
      if (task == nullptr) continue;
      ack.entries.push_back({task->seq, task->lease, task->stored});
      open_.push_back({ano_, acks_[at]});
    }
    out.push_back({sid, ano_, std::move(ack)});
  }
  acks_.clear();
  for (std::size_t at = 0; at < nacks_.size();) {
    Nack nack;
    ++ano_;
    std::size_t bytes = 0;
    for (; at < nacks_.size() && nack.entries.size() < most && bytes < kMostNackBytes; ++at) {
      const Held* const task = tasks.find(nacks_[at]);
      if (task == nullptr) continue;
      const std::string_view note = as_text(task->note.bytes());
      nack.entries.push_back(
          {task->seq, task->lease, task->reason, task->retry_ms, task->started, note});
      bytes += note.size() + kNackEntryBytes;
      open_.push_back({ano_, nacks_[at]});
    }
    out.push_back({sid, ano_, std::move(nack)});
  }
  nacks_.clear();
  for (std::size_t at = 0; at < returns_.size();) {
    Return message;
    ++ano_;
    for (; at < returns_.size() && message.entries.size() < most; ++at) {
      const Held* const task = tasks.find(returns_[at]);
      if (task == nullptr) continue;
      message.entries.push_back({task->seq, task->lease});
      open_.push_back({ano_, returns_[at]});
    }
    out.push_back({sid, ano_, std::move(message)});
  }
  returns_.clear();
}

void RunnerAcks::acked(std::uint64_t ano, HeldTasks& tasks) {
  while (!open_.empty() && open_.front().ano <= ano) {
    const TaskHandle handle = open_.front().task;
    open_.pop_front();
    if (tasks.find(handle) != nullptr) tasks.erase(handle);
  }
}

void RunnerAcks::begin_session(HeldTasks& tasks) {
  end_session();
  tasks.for_each([this](TaskHandle handle, const Held& task) {
    if (task.phase == TaskPhase::ack_open || task.phase == TaskPhase::nack_open) add(handle, task);
  });
}

void RunnerAcks::end_session() {
  ano_ = 0;
  acks_.clear();
  nacks_.clear();
  returns_.clear();
  open_.clear();
}

}  // namespace sluice::core
