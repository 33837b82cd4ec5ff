// sink_store.cpp: asking the handler, writing the file, and the delays of what must wait.
// SPDX-License-Identifier: MIT
#include "net/sink_store.hpp"

#include <algorithm>
#include <chrono>
#include <exception>
#include <utility>

#include "core/assert.hpp"
#include "net/clock.hpp"
#include "net/outcome_text.hpp"

namespace sluice::net {
namespace {

constexpr std::uint64_t kBusyRetryMs = 100;       // the handler had no time for it
constexpr std::uint64_t kTroubleRetryMs = 1'000;  // the disk is full, or the like
constexpr std::uint64_t kFailedRetryMs = 100;     // the handler failed; doubles ...
constexpr std::uint64_t kMostFailedRetryMs = 30'000;
constexpr std::size_t kMostFailing = 10'000;  // beyond them the delay does not grow
// An outcome that did not come again so long after it should have has nobody any more who waits.
constexpr core::Duration kForgottenAfter = std::chrono::seconds(60);

}  // namespace

OutcomeView view_of(const core::StoreEntry& entry) {
  const core::OutcomeEntry& outcome = entry.outcome;
  OutcomeView view;
  view.id.log = entry.log;
  view.id.seq = core::raw(outcome.seq);
  view.status = static_cast<Status>(outcome.status);  // equal numbers
  view.attempt = outcome.attempt;
  view.key = outcome.key;
  view.type = entry.type;
  view.worker = entry.producer;
  view.error = outcome.error;
  view.result = outcome.payload;
  view.result_is_task = (outcome.flags & core::kTaskPayload) != 0;
  // A peer can name any number; beyond the year 2262 nanoseconds would overflow.
  constexpr std::uint64_t kMostUs = 9'000'000'000'000'000;
  view.started = std::chrono::system_clock::time_point(
      std::chrono::microseconds(std::min(outcome.started_us, kMostUs)));
  view.run = std::chrono::microseconds(std::min(outcome.run_us, kMostUs));
  return view;
}

SinkStore::SinkStore(std::unique_ptr<store::OutcomeFile> file, Sink::Handler handler,
                     std::function<void()> before_confirm)
    : file_(std::move(file)),
      handler_(std::move(handler)),
      before_confirm_(std::move(before_confirm)) {
  SLUICE_ASSERT(file_ != nullptr || handler_);
}

void SinkStore::take(const core::StoreEntry& entry) {
  if (given_out_) answers_.clear();
  given_out_ = false;
  const OutcomeView outcome = view_of(entry);
  core::StoreAnswer answer;
  if (handler_) answer = ask(outcome, entry.terminal());
  if (answer.code == core::StoreAnswer::Code::stored && file_) write(outcome);
  answers_.push_back(answer);
}

core::StoreAnswer SinkStore::ask(const OutcomeView& outcome, bool terminal) {
  using Code = core::StoreAnswer::Code;
  if (Clock::now() > until_) return {Code::later, kBusyRetryMs};
  const core::TaskKey task{outcome.id.log, static_cast<core::Seq>(outcome.id.seq)};
  try {
    handler_(outcome);
    if (!failing_.empty()) failing_.erase(task);
    return {};
  } catch (const Later& later) {
    trouble_ = later.what();
    const auto ms = std::max<std::int64_t>(later.delay.count(), 1);
    return {Code::later, static_cast<std::uint64_t>(ms)};
  } catch (const Reject&) {
    if (terminal) return {};  // the last word on a task: it has no say
    return {Code::never, 0};
  } catch (const std::exception& failure) {
    trouble_ = std::string("the handler failed: ") + failure.what();
  } catch (...) {
    trouble_ = "the handler failed";
  }
  return {Code::later, delay_of(task)};
}

// Each outcome has a delay of its own: one that cannot be handled does not hold up the others,
// and their success does not have it tried ever faster.
std::uint64_t SinkStore::delay_of(const core::TaskKey& task) {
  if (failing_.size() >= kMostFailing && failing_.count(task) == 0) return kMostFailedRetryMs;
  Failing& failing = failing_[task];
  const std::uint64_t doublings = std::min<std::uint64_t>(failing.times++, 20);
  const std::uint64_t delay = std::min(kFailedRetryMs << doublings, kMostFailedRetryMs);
  failing.forget_at = Clock::now() + std::chrono::milliseconds(delay) + kForgottenAfter;
  return delay;
}

bool SinkStore::some_fail() {
  if (failing_.empty()) return false;
  const core::Time now = Clock::now();
  std::erase_if(failing_, [now](const auto& one) { return one.second.forget_at < now; });
  return !failing_.empty();
}

void SinkStore::write(const OutcomeView& outcome) {
  const CommandText command(outcome);
  file_->add(outcome, command.part());
}

void SinkStore::put_off(const std::string& why) {
  trouble_ = why;
  for (core::StoreAnswer& answer : answers_)
    if (answer.code == core::StoreAnswer::Code::stored)
      answer = {core::StoreAnswer::Code::later, kTroubleRetryMs};
}

bool SinkStore::handler_has_stored() {
  if (!before_confirm_) return true;
  try {
    before_confirm_();
    return true;
  } catch (const std::exception& failure) {
    put_off(std::string("before_confirm failed: ") + failure.what());
  } catch (...) {
    put_off("before_confirm failed");
  }
  return false;
}

SinkStore::Answers SinkStore::finish() {
  if (given_out_) answers_.clear();
  given_out_ = true;
  if (answers_.empty()) return {};
  const auto stored = [](const core::StoreAnswer& answer) {
    return answer.code == core::StoreAnswer::Code::stored;
  };
  if (std::none_of(answers_.begin(), answers_.end(), stored)) return answers_;
  if (!handler_has_stored()) {
    if (file_) file_->abandon();  // they come again, and must not stand there twice
  } else if (file_ && file_->commit() == store::OutcomeFile::Commit::later) {
    put_off(file_->trouble());
  }
  if (!trouble_.empty() && std::all_of(answers_.begin(), answers_.end(), stored) && !some_fail())
    trouble_.clear();
  return answers_;
}

}  // namespace sluice::net
