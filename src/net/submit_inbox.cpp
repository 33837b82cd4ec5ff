// submit_inbox.cpp: the mutex between submitters and the loop, held for a copy only.
// SPDX-License-Identifier: MIT
#include "net/submit_inbox.hpp"

#include <algorithm>
#include <utility>

namespace sluice::net {
namespace {

constexpr std::uint64_t kFewNumbers = 8192;

std::uint64_t count_ms(std::chrono::milliseconds d) {
  return d.count() < 0 ? 0 : static_cast<std::uint64_t>(d.count());
}

void append(std::vector<std::byte>& out, core::Bytes bytes) {
  out.insert(out.end(), bytes.begin(), bytes.end());
}

}  // namespace

SubmitInbox::Result SubmitInbox::put(const Task& task, core::Seq& seq, const Announce& announce) {
  std::unique_lock lock(mutex_);
  for (;;) {
    const Result result = put_locked(task, seq, announce);
    if (result != Result::full) return result;
    room_.wait(lock);
  }
}

SubmitInbox::Result SubmitInbox::try_put(const Task& task, core::Seq& seq,
                                         const Announce& announce) {
  const std::scoped_lock lock(mutex_);
  return put_locked(task, seq, announce);
}

bool SubmitInbox::await_numbers() {
  std::unique_lock lock(mutex_);
  const std::uint64_t before = answers_;
  wanted_ = wanted_unseen_ = true;
  wake_.signal();
  room_.wait(lock, [&] { return answers_ != before || !blocks_.empty() || closed_; });
  return !blocks_.empty();
}

SubmitInbox::Result SubmitInbox::put_locked(const Task& task, core::Seq& seq,
                                            const Announce& announce) {
  if (closed_) return Result::closed;
  if (bytes_.size() >= kMostBytes) return Result::full;  // the loop knows: it is behind
  if (blocks_.empty()) {
    want_numbers();
    return Result::full;
  }
  Block& block = blocks_.front();
  seq = static_cast<core::Seq>(block.next++);
  const std::uint64_t left = block.end - block.next;
  if (left == 0) blocks_.erase(blocks_.begin());
  if (announce) announce(seq);

  Waiting waiting;
  waiting.seq = seq;
  waiting.entry.priority = task.priority;
  waiting.entry.delay_ms = count_ms(task.delay);
  waiting.entry.ttl_ms = count_ms(task.ttl);
  waiting.entry.exec_ms = count_ms(task.timeout);
  waiting.entry.max_attempts = task.max_attempts;
  waiting.type_bytes = static_cast<std::uint32_t>(task.type.size());
  waiting.key_bytes = static_cast<std::uint32_t>(task.key.size());
  waiting.payload_bytes = task.payload.size();
  if (waiting_.empty()) wake_.signal();
  waiting_.push_back(waiting);
  append(bytes_, core::as_bytes(task.type));
  append(bytes_, core::as_bytes(task.key));
  append(bytes_, task.payload);
  if (blocks_.size() < 2 && left < kFewNumbers / 2) want_numbers();
  return Result::taken;
}

void SubmitInbox::want_numbers() {
  if (wanted_) return;
  wanted_ = wanted_unseen_ = true;
  wake_.signal();
}

std::size_t SubmitInbox::fetch(
    const std::function<void(core::Seq, std::string_view type, const core::SubmitEntry&)>& each) {
  fetched_.clear();
  fetched_bytes_.clear();
  {
    const std::scoped_lock lock(mutex_);
    if (waiting_.empty()) return 0;
    std::swap(fetched_, waiting_);
    std::swap(fetched_bytes_, bytes_);
  }
  room_.notify_all();
  core::Bytes rest(fetched_bytes_);
  const auto cut = [&rest](std::size_t size) {
    const core::Bytes piece = rest.first(size);
    rest = rest.subspan(size);
    return piece;
  };
  for (Waiting& waiting : fetched_) {
    const std::string_view type = core::as_text(cut(waiting.type_bytes));
    waiting.entry.key = core::as_text(cut(waiting.key_bytes));
    waiting.entry.payload = cut(waiting.payload_bytes);
    each(waiting.seq, type, waiting.entry);
  }
  return fetched_.size();
}

bool SubmitInbox::wants_numbers() {
  const std::scoped_lock lock(mutex_);
  wanted_unseen_ = false;
  return wanted_ && !closed_;
}

void SubmitInbox::add_numbers(core::Seq first, std::uint32_t count) {
  {
    const std::scoped_lock lock(mutex_);
    blocks_.push_back({core::raw(first), core::raw(first) + count});
    wanted_ = false;
    ++answers_;
  }
  room_.notify_all();
}

void SubmitInbox::no_numbers() {
  {
    const std::scoped_lock lock(mutex_);
    ++answers_;
  }
  room_.notify_all();
}

bool SubmitInbox::has_work() const {
  const std::scoped_lock lock(mutex_);
  return !waiting_.empty() || wanted_unseen_;
}

std::size_t SubmitInbox::waiting() const {
  const std::scoped_lock lock(mutex_);
  return waiting_.size();
}

void SubmitInbox::close() {
  {
    const std::scoped_lock lock(mutex_);
    closed_ = true;
  }
  room_.notify_all();
}

}  // namespace sluice::net
