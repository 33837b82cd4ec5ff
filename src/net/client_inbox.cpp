// client_inbox.cpp: putting, fetching, and waiting for room and answers.
// SPDX-License-Identifier: MIT
#include "net/client_inbox.hpp"

#include <span>
#include <string_view>
#include <utility>

#include <sluice/error.hpp>

namespace sluice::net {
namespace {

void append(std::vector<std::byte>& out, std::span<const std::byte> bytes) {
  out.insert(out.end(), bytes.begin(), bytes.end());
}

}  // namespace

// One task of any size goes when nothing else is held, or it could never go.
bool ClientInbox::has_room(std::uint64_t bytes, bool awaited) const {
  if (awaited && awaited_ >= most_awaited_) return false;
  const std::uint64_t tasks = held_tasks_ + waiting_.size();
  return tasks == 0 || (tasks < most_tasks_ && held_bytes_ + bytes_.size() + bytes <= most_bytes_);
}

std::optional<std::uint64_t> ClientInbox::put(const Task& task, OnOutcome on_outcome,
                                              Deadline deadline) {
  const std::uint64_t size = task.type.size() + task.key.size() + task.payload.size();
  const bool awaited = on_outcome != nullptr;
  std::unique_lock lock(mutex_);
  const auto may_go = [&] { return closed_ || has_room(size, awaited); };
  if (!may_go() && deadline != kNoWait) {
    if (loop_ == std::this_thread::get_id())
      throw Error(
          "as many tasks are open as may be, and a callback must not wait for room: use "
          "try_submit() there, or raise max_unconfirmed and max_awaited");
    if (deadline == kWait)
      changed_.wait(lock, may_go);
    else
      changed_.wait_until(lock, deadline, may_go);
  }
  if (closed_) return 0;
  if (!has_room(size, awaited)) return std::nullopt;
  if (awaited) ++awaited_;
  Waiting& waiting = waiting_.emplace_back();
  waiting.task.cookie = ++last_ticket_;
  waiting.task.priority = task.priority;
  waiting.task.max_attempts = task.max_attempts;
  waiting.task.delay_ms = core::to_ms(task.delay);
  waiting.task.ttl_ms = core::to_ms(task.ttl);
  waiting.task.exec_ms = core::to_ms(task.timeout);
  waiting.type_bytes = task.type.size();
  waiting.key_bytes = task.key.size();
  waiting.payload_bytes = task.payload.size();
  waiting.task.wanted = awaited;
  waiting.on_outcome = std::move(on_outcome);
  append(bytes_, core::as_bytes(task.type));
  append(bytes_, core::as_bytes(task.key));
  append(bytes_, task.payload);
  return last_ticket_;
}

bool ClientInbox::wait_answered(std::chrono::milliseconds timeout) {
  std::unique_lock lock(mutex_);
  const std::uint64_t through = last_ticket_;
  const auto all = [&] { return answered_through_ >= through; };
  changed_.wait_for(lock, timeout, [&] { return closed_ || all(); });
  return all();
}

std::uint64_t ClientInbox::unanswered() const {
  const std::scoped_lock lock(mutex_);
  return last_ticket_ - answered_through_ - answered_beyond_.size();
}

std::uint64_t ClientInbox::awaited() const { return awaited_; }

void ClientInbox::belongs_here() {
  const std::scoped_lock lock(mutex_);
  loop_ = std::this_thread::get_id();
}

bool ClientInbox::is_loops_thread() const {
  const std::scoped_lock lock(mutex_);
  return loop_ == std::this_thread::get_id();
}

void ClientInbox::fetch(const std::function<void(const core::NewTask&, OnOutcome)>& each) {
  {
    const std::scoped_lock lock(mutex_);
    fetched_.swap(waiting_);
    fetched_bytes_.swap(bytes_);
    held_tasks_ += fetched_.size();
    held_bytes_ += fetched_bytes_.size();
  }
  std::span<const std::byte> rest(fetched_bytes_);
  const auto next = [&rest](std::size_t size) {
    const auto piece = rest.first(size);
    rest = rest.subspan(size);
    return piece;
  };
  for (Waiting& waiting : fetched_) {
    waiting.task.type = core::as_text(next(waiting.type_bytes));
    waiting.task.key = core::as_text(next(waiting.key_bytes));
    waiting.task.payload = next(waiting.payload_bytes);
    each(waiting.task, std::move(waiting.on_outcome));
  }
  fetched_.clear();
  fetched_bytes_.clear();
}

bool ClientInbox::has_work() const {
  const std::scoped_lock lock(mutex_);
  return !waiting_.empty();
}

void ClientInbox::answered(std::uint64_t ticket) { newly_answered_.push_back(ticket); }

void ClientInbox::told() {
  --awaited_;
  newly_told_ = true;
}

void ClientInbox::publish(std::uint64_t held_tasks, std::uint64_t held_bytes) {
  const std::scoped_lock lock(mutex_);
  const bool more_room =
      held_tasks < held_tasks_ || held_bytes < held_bytes_ || std::exchange(newly_told_, false);
  held_tasks_ = held_tasks;
  held_bytes_ = held_bytes;
  // Answers come nearly in the order of the tickets.
  for (const std::uint64_t ticket : newly_answered_) {
    if (ticket != answered_through_ + 1) {
      answered_beyond_.insert(ticket);
      continue;
    }
    ++answered_through_;
    while (!answered_beyond_.empty() && *answered_beyond_.begin() == answered_through_ + 1) {
      ++answered_through_;
      answered_beyond_.erase(answered_beyond_.begin());
    }
  }
  if (more_room || !newly_answered_.empty()) changed_.notify_all();
  newly_answered_.clear();
}

void ClientInbox::close() {
  const std::scoped_lock lock(mutex_);
  closed_ = true;
  changed_.notify_all();
}

}  // namespace sluice::net
