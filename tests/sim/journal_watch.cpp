// journal_watch.cpp: what a ventilator's turn leaves in its journal, and what may rest on that.
// SPDX-License-Identifier: MIT
#include <algorithm>
#include <variant>

#include "sim/dispatcher_watch.hpp"

namespace sluice::sim {

using namespace core;

WallMs DispatcherWatch::wall(Time at) const { return wall_at_zero_ + to_ms(at - Time{}); }

JournalModel::Facts DispatcherWatch::facts_of(const TaskRecord& task) const {
  JournalModel::Facts facts;
  facts.executions = task.executions;
  facts.failures = task.failures;
  facts.losses = task.losses;
  if (task.state == TaskState::delayed && task.ready_at != Time{})
    facts.not_before_ms = wall(task.ready_at);
  facts.wanted = task.wanted;
  facts.cancel = task.cancel_requested;
  facts.suspect = task.suspect;
  facts.settling = task.state == TaskState::settling;
  return facts;
}

void DispatcherWatch::restored(Time now) {
  look();
  began_ = now;
  JournalModel::State found;
  std::vector<Seq> seqs;
  for (const Seen& task : after_) {
    const TaskRecord& it = record(task.seq);
    found.emplace_back(task.seq, facts_of(it));
    seqs.push_back(task.seq);
    if (found.back().second.not_before_ms > wall(now)) not_before_[task.seq] = it.ready_at;
    const auto token = token_of(it.payload());
    if (!token || as_text(it.payload()) != payload_of(plan_, *token))
      illegal(task, "came back with another payload");
    const TaskPlan& plan = plan_.tasks[*token];
    if (it.key() != plan.key) illegal(task, "came back with another key");
    if (audit_.type_name(it.type) != kTypes[plan.type]) illegal(task, "came back as another type");
    if (it.priority != plan.priority) illegal(task, "came back with another priority");
    if (plan.max_attempts > 0 && it.max_attempts != plan.max_attempts)
      illegal(task, "came back with another number of attempts");
    if ((plan.ttl_ms > 0) != (it.expires != Time{})) illegal(task, "has lost its time to live");
  }
  journal_->restored(found, wall(now));
  truth_.restored(log_, seqs, journal_->has_lost());
}

// The journal's tasks as it has them: of those that have changed since, as they were.
JournalModel::State DispatcherWatch::written() const {
  const JournalModel::State& before = journal_->newest();
  const std::vector<Seq>& waiting = audit_.unwritten_settled();
  JournalModel::State out;
  auto known = before.begin();
  const auto settled_until = [&](Seq seq) {
    for (; known != before.end() && known->first < seq; ++known)
      if (std::find(waiting.begin(), waiting.end(), known->first) != waiting.end())
        out.push_back(*known);
  };
  for (const Seen& task : after_) {
    settled_until(task.seq);
    const bool is_known = known != before.end() && known->first == task.seq;
    const TaskRecord& it = record(task.seq);
    if (it.journaled == Journaled::current)
      out.emplace_back(task.seq, facts_of(it));
    else if (it.journaled == Journaled::outdated && is_known)
      out.push_back(*known);
    if (is_known) ++known;
  }
  settled_until(Seq{~0ULL});
  return out;
}

void DispatcherWatch::appending(const DispatcherEffects& effects) {
  writes_ = !effects.journal.empty();
  if (writes_) journal_->appending(written());
}

void DispatcherWatch::kept(const DispatcherEffects& effects, Time now) {
  if (writes_) journal_->appended(written(), now);
  journal_->check_age(now);
  bool unwritten = false, outdated = !audit_.unwritten_settled().empty();
  for (const Seen& task : after_) {
    const Journaled journaled = record(task.seq).journaled;
    unwritten = unwritten || journaled == Journaled::unknown;
    outdated = outdated || journaled == Journaled::outdated;
  }
  for (const auto& send : effects.to_peers) {
    if (unwritten && std::holds_alternative<SubmitConfirm>(send.envelope.message))
      broken("a CONFIRM although tasks are not in the journal");
    if (outdated && std::holds_alternative<Acked>(send.envelope.message))
      broken("an ACKED although the journal does not have all of it");
    if (const auto* tasks = std::get_if<Tasks>(&send.envelope.message)) check_sent(*tasks);
  }
  for (const auto& send : effects.to_lanes) check_sent(std::get<Tasks>(send.envelope.message));
}

void DispatcherWatch::check_sent(const Tasks& tasks) const {
  for (const TaskEntry& entry : tasks.entries) {
    if (audit_.table().find(entry.seq) == kNoTask) continue;
    const std::string who = name_of(log_, entry.seq);
    if (record(entry.seq).journaled == Journaled::unknown)
      broken(who + " leaves for a worker, but is not in the journal");
    if (raw(entry.seq) >= audit_.numbers_below())
      broken(who + " leaves for a worker, but its number is not reserved");
    if (raw(entry.seq) > audit_.dispatched_upto())
      broken(who + " leaves for a worker, but the journal says that it never did");
  }
}

}  // namespace sluice::sim
