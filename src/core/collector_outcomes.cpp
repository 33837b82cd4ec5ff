// collector_outcomes.cpp: the way of one outcome: credit, ledger, store, confirm.
// SPDX-License-Identifier: MIT
#include <algorithm>
#include <cstddef>
#include <utility>

#include "core/assert.hpp"
#include "core/collector.hpp"

namespace sluice::core {
namespace {

// What a producer is told to wait when this sink keeps as many logs as it may.
constexpr std::uint64_t kLogsFullRetryMs = 60'000;
// A terminal outcome that came while its task was being rejected: it wins when it comes again.
constexpr std::uint64_t kAgainMs = 100;

}  // namespace

CollectorLedger* Collector::ledger_of(const Log& log) {
  if (cached_ledger_ != nullptr && cached_log_ == log) return cached_ledger_;
  auto at = ledgers_.find(log);
  if (at == ledgers_.end()) {
    if (ledgers_.size() >= restored_logs_ + options_.max_logs) return nullptr;
    at = ledgers_.try_emplace(log).first;
  }
  cached_log_ = log;
  cached_ledger_ = &at->second;
  return cached_ledger_;
}

void Collector::outcomes(PeerId from, Session& session, const Envelope& in, const Outcomes& batch) {
  CollectorLedger* const ledger = ledger_of(batch.log);
  const Sid sid = session.sid;
  for (const OutcomeEntry& entry : batch.entries) {
    if (!take_credit(session, entry)) {
      ++stats_.credit_exceeded;
      // Said whatever was said before: the session ends here.
      ErrorMessage farewell;
      farewell.code = Code::credit_exceeded;
      farewell.text = "more outcomes, or bytes of them, than this session was given";
      send(from, sid, in.n, std::move(farewell));
      forget(sessions_.find(from));
      return;
    }
    if (ledger == nullptr) {
      ++stats_.full;
      ++stats_.deferred;
      session.exceptions.push_back({entry.rsn, Code::defer, Status{}, kLogsFullRetryMs});
      mark(from, session);
      continue;
    }
    outcome(from, session, batch, entry, *ledger);
  }
}

// Rule 1: what counts is distinct outcomes; one that comes again costs nothing.
bool Collector::take_credit(Session& session, const OutcomeEntry& entry) {
  if (!session.received.insert(raw(entry.rsn))) return true;
  session.received_bytes += entry.payload.size();
  // Honest numbering leaves no more holes than outcomes were open when the session began.
  return session.received.inserted() <= session.answered.inserted() + options_.window_outcomes &&
         session.received_bytes <= session.answered_bytes + options_.window_bytes &&
         session.received.intervals() <= options_.window_outcomes + 1;
}

// Rule 4, and the table "Sink, per (log, seq)".
void Collector::outcome(PeerId from, Session& session, const Outcomes& batch,
                        const OutcomeEntry& entry, CollectorLedger& ledger) {
  const Asker asker{from, session.sid, entry.rsn, entry.payload.size()};
  const Known before = ledger.find(entry.seq);
  const bool terminal = (entry.flags & kTerminal) != 0;
  if (is_stored(before)) {
    except(asker, {entry.rsn, Code::duplicate, status_of(before), 0});
    return;
  }
  if (before == Known::storing) {
    if (waiters_.size() < options_.window_outcomes)
      waiters_.emplace(std::pair(batch.log, entry.seq), Waiter{asker, terminal});
    else
      except(asker, {entry.rsn, Code::defer, Status{}, kAgainMs});
    return;
  }
  if (before == Known::rejected && !terminal) {
    except(asker, {entry.rsn, Code::rejected, Status{}, 0});
    return;
  }
  ledger.set(entry.seq, Known::storing);
  pending_.push_back(
      {asker, batch.log, &ledger, entry.seq, entry.status, before, terminal, nullptr});
  StoreEntry& to_store = out_.store.emplace_back();
  to_store.log = batch.log;
  to_store.outcome = entry;
  if (entry.type_index < batch.types.size()) to_store.type = batch.types[entry.type_index];
  to_store.producer = *session.name;
  if ((entry.flags & kOutcomeWanted) != 0 || is_awaited({batch.log, entry.seq}))
    pending_.back().copy = std::make_unique<ShelfItem>(to_store);
}

void Collector::stored(std::span<const StoreAnswer> answers) {
  SLUICE_ASSERT(answers.size() <= pending_.size() - answered_);
  for (const StoreAnswer& answer : answers) {
    Pending& pending = pending_[answered_++];
    auto code = answer.code;
    if (code == StoreAnswer::Code::never && pending.terminal) code = StoreAnswer::Code::stored;
    switch (code) {
      case StoreAnswer::Code::stored:
        pending.ledger->set(pending.seq, known(pending.status));
        ++stats_.stored;
        if (pending.copy || !awaiting_.empty()) shelve(pending);
        confirm(pending.asker);
        break;
      case StoreAnswer::Code::later:
        pending.ledger->set(pending.seq, pending.before);
        except(pending.asker, {pending.asker.rsn, Code::defer, Status{}, answer.retry_ms});
        break;
      case StoreAnswer::Code::never:
        pending.ledger->set(pending.seq, Known::rejected);
        except(pending.asker, {pending.asker.rsn, Code::rejected, Status{}, 0});
        break;
    }
    if (!waiters_.empty()) answer_waiters(pending, code, answer.retry_ms);
  }
  if (answered_ < pending_.size() && answered_ < options_.window_outcomes) return;
  pending_.erase(pending_.begin(), pending_.begin() + static_cast<std::ptrdiff_t>(answered_));
  answered_ = 0;
}

// "Duplicate while in progress: answer with the first."
void Collector::answer_waiters(const Pending& pending, StoreAnswer::Code code,
                               std::uint64_t retry_ms) {
  const auto [first, last] = waiters_.equal_range(std::pair(pending.log, pending.seq));
  for (auto at = first; at != last; ++at) {
    const Asker& asker = at->second.asker;
    if (asker.sid == pending.asker.sid && asker.rsn == pending.asker.rsn) continue;  // the same one
    if (code == StoreAnswer::Code::stored)
      except(asker, {asker.rsn, Code::duplicate, pending.status, 0});
    else if (code == StoreAnswer::Code::later)
      except(asker, {asker.rsn, Code::defer, Status{}, retry_ms});
    else if (at->second.terminal)
      except(asker, {asker.rsn, Code::defer, Status{}, kAgainMs});
    else
      except(asker, {asker.rsn, Code::rejected, Status{}, 0});
  }
  waiters_.erase(first, last);
}

// Whoever asked may be gone by now; then it asks again in its next session.
Collector::Session* Collector::session_of(const Asker& asker) {
  const auto at = sessions_.find(asker.peer);
  if (at == sessions_.end() || at->second.sid != asker.sid) return nullptr;
  mark(asker.peer, at->second);
  return &at->second;
}

// A final answer gives the credit back, once.
void Collector::settle(Session& session, const Asker& asker) {
  if (!session.answered.insert(raw(asker.rsn))) return;
  session.answered_bytes = std::min(session.answered_bytes + asker.bytes, session.received_bytes);
}

void Collector::confirm(const Asker& asker) {
  Session* const session = session_of(asker);
  if (session == nullptr) return;
  settle(*session, asker);
  auto& ranges = session->ranges;
  if (!ranges.empty() && raw(ranges.back().last) + 1 == raw(asker.rsn))
    ranges.back().last = asker.rsn;
  else
    ranges.push_back({asker.rsn, asker.rsn});
}

void Collector::except(const Asker& asker, const ConfirmException& exception) {
  switch (exception.code) {
    case Code::duplicate:
      ++stats_.duplicates;
      break;
    case Code::defer:
      ++stats_.deferred;
      break;
    default:
      ++stats_.rejected;
      break;
  }
  Session* const session = session_of(asker);
  if (session == nullptr) return;
  // A deferred outcome is still the sink's to take: its credit stays spent.
  if (exception.code != Code::defer) settle(*session, asker);
  session->exceptions.push_back(exception);
}

}  // namespace sluice::core
