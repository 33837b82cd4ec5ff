// submitter_batches.cpp: tasks become SUBMITs, and SUBMITs are kept until confirmed.
// SPDX-License-Identifier: MIT
#include <algorithm>
#include <cstddef>
#include <utility>

#include "core/assert.hpp"
#include "core/submitter.hpp"

namespace sluice::core {
namespace {

constexpr std::size_t kMostTypes = 256;                // in one SUBMIT
constexpr std::uint64_t kMostEntries = 4096;           // whatever the ventilator says
constexpr std::uint64_t kPayloadMargin = 64ULL << 10;  // of a frame: header and body
// What is waited before a task goes again that the ventilator had no room for.
constexpr Duration kFullWait = std::chrono::seconds(1);
constexpr Duration kLongestHold = std::chrono::minutes(1);

}  // namespace

bool Submitter::too_large(std::size_t payload) const {
  return stats_.sessions > 0 && payload + kPayloadMargin > opened_.max_frame;
}

Submitter::Taken Submitter::submit(const NewTask& task, Time now) {
  if (too_large(task.payload.size())) return Taken::too_large;
  const std::uint64_t size = task.type.size() + task.key.size() + task.payload.size();
  // One task of any size is taken when nothing else is held, or it could never be submitted.
  if (stats_.unconfirmed >= options_.max_unconfirmed ||
      (stats_.unconfirmed > 0 && stats_.unconfirmed_bytes + size > options_.max_unconfirmed_bytes))
    return Taken::full;
  scratch_.assign(task.type).append(task.key);
  Held held;
  held.bytes = chunks_.copy(as_bytes(scratch_), task.payload);
  held.cookie = task.cookie;
  held.type_size = static_cast<std::uint32_t>(task.type.size());
  held.key_size = static_cast<std::uint32_t>(task.key.size());
  held.priority = task.priority;
  held.max_attempts = task.max_attempts;
  held.delay_ms = task.delay_ms;
  held.ttl_ms = task.ttl_ms;
  held.exec_ms = task.exec_ms;
  held.wanted = task.wanted;
  ready_.push_back(std::move(held));
  ++stats_.unconfirmed;
  stats_.unconfirmed_bytes += size;
  // Not sent yet: what else is submitted in this turn goes into the same message.
  hold_until_ = hold_until_.value_or(now);
  return Taken::yes;
}

// First what an earlier session did not get confirmed, in order; then new SUBMITs.
void Submitter::pump(Time now) {
  if (phase_ != Phase::ready) return;
  for (; unsent_from_ < batches_.size(); ++unsent_from_) {
    Batch& batch = batches_[unsent_from_];
    if (batch.sent || batch.tasks.empty()) continue;
    // It stays as it is, however little this session begins with; see rule 1.5.
    if (!covers(1, 0)) return;
    send_batch(batch, now);
  }
  if (hold_until_ && now < *hold_until_) return;
  while (!ready_.empty()) {
    Batch batch;
    if (!spare_.empty()) {
      batch.tasks = std::move(spare_.back());
      spare_.pop_back();
    }
    const bool filled = fill(batch);
    if (!filled) {
      spare_.push_back(std::move(batch.tasks));
      return;
    }
    batch.cno = ++last_cno_;
    batches_.push_back(std::move(batch));
    unsent_from_ = batches_.size();
    send_batch(batches_.back(), now);
  }
}

// A log that has never heard of this boot: its numbers of SUBMITs mean nothing there, and
// what was sent under them may not fit its credit. The tasks go in new ones, in their order.
void Submitter::start_over() {
  for (auto batch = batches_.rbegin(); batch != batches_.rend(); ++batch)
    for (auto task = batch->tasks.rbegin(); task != batch->tasks.rend(); ++task)
      ready_.push_front(std::move(*task));
  batches_.clear();
  unsent_from_ = 0;
}

// Rule 1, the client's side: in this session never more tasks than the limit. In bytes the last
// task may overrun it by itself, or one larger than what the ventilator has left could never go.
bool Submitter::covers(std::size_t tasks, std::uint64_t bytes) const {
  return tasks_sent_ + tasks <= tasks_limit_ && bytes_sent_ + bytes < bytes_limit_;
}

// Takes what is ready, up to 64 KiB (or one larger task), the entries and types one message
// may hold, and the credit. False if that is nothing.
bool Submitter::fill(Batch& batch) {
  const std::uint64_t most = std::clamp<std::uint64_t>(opened_.max_entries, 1, kMostEntries);
  std::uint64_t size = 0;
  std::size_t types = 0;
  while (!ready_.empty() && batch.tasks.size() < most) {
    Held& task = ready_.front();
    const std::size_t payload = task.payload().size();
    if (too_large(payload)) {  // taken before the ventilator had told its limit
      answer(task, Code::too_large, Seq{});
      ready_.pop_front();
      continue;
    }
    const std::uint64_t cost = payload + task.key_size;
    const bool first = batch.tasks.empty();
    if (!first && size + task.bytes.size() > kBatchBytes) break;
    if (!covers(batch.tasks.size() + 1, first ? 0 : batch.bytes + cost)) break;
    // Types mostly come in runs; counting changes is never less than counting types.
    if (first || batch.tasks.back().type() != task.type()) ++types;
    if (types > kMostTypes) break;
    size += task.bytes.size();
    batch.bytes += cost;
    batch.tasks.push_back(std::move(task));
    ready_.pop_front();
  }
  return !batch.tasks.empty();
}

void Submitter::send_batch(Batch& batch, Time now) {
  if (!batch.sent) {  // a resend within the session spends nothing
    tasks_sent_ += batch.tasks.size();
    bytes_sent_ += batch.bytes;  // beyond the limit, too: the ventilator counts that as well
    batch.wait = options_.resend_least;
  } else {
    batch.wait = std::min(batch.wait * 2, options_.resend_most);
  }
  if (batch.ever_sent) ++stats_.resent_batches;
  batch.sent = batch.ever_sent = true;
  batch.send_at = now + batch.wait;
  resend_at_ = std::min(resend_at_, batch.send_at);

  auto submit = pool_.take<Submit>();
  for (const Held& task : batch.tasks) {
    const std::string_view type = task.type();
    if (submit.types.empty() || submit.types.back() != type) {
      const auto same = std::find(submit.types.begin(), submit.types.end(), type);
      if (same == submit.types.end()) submit.types.push_back(type);
    }
    SubmitEntry& entry = submit.entries.emplace_back();
    if (submit.types.back() == type)
      entry.type_index = static_cast<std::uint32_t>(submit.types.size() - 1);
    else
      entry.type_index = static_cast<std::uint32_t>(
          std::find(submit.types.begin(), submit.types.end(), type) - submit.types.begin());
    entry.key = task.key();
    entry.priority = task.priority;
    entry.delay_ms = task.delay_ms;
    entry.ttl_ms = task.ttl_ms;
    entry.exec_ms = task.exec_ms;
    entry.max_attempts = task.max_attempts;
    if (task.wanted) entry.flags = kSubmitWanted;
    entry.payload = task.payload();
  }
  send(batch.cno, std::move(submit), now);
}

void Submitter::resend_due(Time now) {
  if (now < resend_at_) return;
  resend_at_ = Time::max();
  for (Batch& batch : batches_) {
    if (!batch.sent || batch.tasks.empty()) continue;
    if (batch.send_at <= now)
      send_batch(batch, now);
    else
      resend_at_ = std::min(resend_at_, batch.send_at);
  }
}

Submitter::Batch* Submitter::find_batch(std::uint64_t cno) {
  const auto at = std::lower_bound(batches_.begin(), batches_.end(), cno,
                                   [](const Batch& b, std::uint64_t n) { return b.cno < n; });
  if (at == batches_.end() || at->cno != cno || at->tasks.empty() || !at->sent) return nullptr;
  return &*at;
}

// "entries without an exception got first_seq, +1, ... in order"
void Submitter::on(const Envelope& in, const SubmitConfirm& confirm, Time now) {
  take_limits(confirm.tasks_limit, confirm.bytes_limit);
  if (Batch* const batch = find_batch(in.n)) {
    by_index_.assign(batch->tasks.size(), nullptr);
    for (const SubmitException& exception : confirm.exceptions)
      if (exception.index < by_index_.size()) by_index_[exception.index] = &exception;
    Seq seq = confirm.first;
    for (std::size_t i = 0; i < batch->tasks.size(); ++i) {
      Held& task = batch->tasks[i];
      const SubmitException* const exception = by_index_[i];
      if (exception == nullptr) {
        answer(task, Code::ok, seq);
        seq = next(seq);
      } else if (exception->code == Code::busy) {  // no room there: later, in a SUBMIT of its own
        ready_.push_back(std::move(task));
        hold_until_ = now + kFullWait;
      } else {
        answer(task, exception->code, exception->seq);
      }
    }
    finish(*batch);
  }
  pump(now);
}

// An ERROR that names a SUBMIT: to be sent again later, or refused with all its tasks.
bool Submitter::refuse_batch(std::uint64_t cno, const ErrorMessage& error, Time now) {
  Batch* const batch = find_batch(cno);
  if (batch == nullptr) return false;
  if (error.code == Code::busy) {
    const Duration wait = std::clamp(from_ms(error.retry_ms), Duration{1ms}, kLongestHold);
    batch->send_at = now + wait;
    resend_at_ = std::min(resend_at_, batch->send_at);
    hold_until_ = std::max(hold_until_.value_or(batch->send_at), batch->send_at);
    return true;
  }
  for (const Held& task : batch->tasks) answer(task, error.code, Seq{});
  finish(*batch);
  return true;
}

void Submitter::answer(const Held& task, Code code, Seq seq) {
  --stats_.unconfirmed;
  stats_.unconfirmed_bytes -= task.bytes.size();
  if (code == Code::ok)
    ++stats_.confirmed;
  else if (code == Code::duplicate)
    ++stats_.duplicates;
  else
    ++stats_.refused;
  out_.answers.push_back({task.cookie, code, seq});
}

// Its slices may still be shown by a message of this very turn: they go when that is spent.
void Submitter::finish(Batch& batch) {
  spent_.push_back(std::move(batch.tasks));
  batch.tasks.clear();
  while (!batches_.empty() && batches_.front().tasks.empty()) {
    batches_.pop_front();
    if (unsent_from_ > 0) --unsent_from_;
  }
}

}  // namespace sluice::core
