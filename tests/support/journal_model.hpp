// journal_model.hpp: a journal in memory, for machines that are to outlive themselves.
// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cstddef>
#include <map>
#include <optional>
#include <set>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "core/dispatcher.hpp"
#include "core/journal_record.hpp"

namespace sluice::test {

/// Keeps what turns leave, as a journal's file does, and gives it to the next life.
class JournalModel {
 public:
  struct Change {
    core::JournalChange facts;  // its view is set when it is read
    std::string why;
  };
  struct Task {
    std::string type, key, payload;
    core::JournalTask facts;  // its views are set when it is read
    std::optional<Change> change;
  };
  struct Key {
    core::Seq seq{};
    std::uint64_t fingerprint = 0;
    core::WallMs since = 0;
  };
  struct Answer {
    core::JournalAnswer facts;  // its view is set when it is read
    std::vector<core::SubmitException> exceptions;
  };
  struct Contents {
    std::map<core::Seq, Task> tasks;
    std::map<std::string, Key> keys;
    std::vector<Answer> answers;
    std::set<core::Boot> workers;
    core::Seq numbers_reserved{}, dispatched_up_to{};
  };

  void append(const core::JournalTurn& turn) {
    if (turn.empty()) return;
    ++turns_;
    step(turn, contents_);
  }
  [[nodiscard]] const Contents& contents() const { return contents_; }
  /// Group commits so far.
  [[nodiscard]] std::size_t turns() const { return turns_; }

  /// What a fresh machine is told before its first input. It reads from here as long as it lives.
  void restore_into(core::Dispatcher& machine, core::Time now) const {
    serve(machine);
    machine.restore_numbers(core::next(contents_.numbers_reserved), contents_.dispatched_up_to);
    std::vector<std::pair<core::WallMs, std::string>> ages;
    for (const auto& [name, key] : contents_.keys) ages.emplace_back(key.since, name);
    std::sort(ages.begin(), ages.end());
    for (const auto& [since, name] : ages) {
      const Key& key = contents_.keys.at(name);
      machine.restore(core::JournalKey{name, key.seq, key.fingerprint, since}, now);
    }
    for (const Answer& answer : contents_.answers) {
      core::JournalAnswer facts = answer.facts;
      facts.exceptions = answer.exceptions;
      machine.restore(facts, now);
    }
    for (const auto& [seq, task] : contents_.tasks) {
      const core::JournalTask facts = facts_of(task);
      core::JournalChange change;
      if (task.change) {
        change = task.change->facts;
        change.why = task.change->why;
      }
      machine.restore(facts, task.change ? &change : nullptr, now);
    }
    machine.restored({contents_.workers.begin(), contents_.workers.end()}, now);
  }

  /// Gives a machine back the tasks of which only the journal has the bytes.
  void serve(core::Dispatcher& machine) const {
    machine.load_with(
        [this](core::SeqRange range, std::uint32_t expected, const core::Backlog::Visit& visit) {
          const auto end = contents_.tasks.upper_bound(range.last);
          for (auto at = contents_.tasks.lower_bound(range.first); at != end; ++at)
            expected -= visit(core::packed(facts_of(at->second))) ? 1U : 0U;
          if (expected != 0) throw std::logic_error("the journal has lost tasks of the backlog");
        });
  }

 private:
  static core::JournalTask facts_of(const Task& task) {
    core::JournalTask facts = task.facts;
    facts.type = task.type;
    facts.key = task.key;
    facts.payload = core::as_bytes(task.payload);
    return facts;
  }
  static Task copy(const core::JournalTask& from) {
    Task task{std::string(from.type),
              std::string(from.key),
              std::string(core::as_text(from.payload)),
              from,
              {}};
    task.facts.type = task.facts.key = {};
    task.facts.payload = {};
    return task;
  }

  // As a transaction does it: all of the turn, in this order.
  static void step(const core::JournalTurn& turn, Contents& to) {
    to.numbers_reserved = std::max(to.numbers_reserved, turn.numbers_reserved);
    to.dispatched_up_to = std::max(to.dispatched_up_to, turn.dispatched_up_to);
    for (const core::JournalTask& task : turn.tasks_taken) {
      to.tasks[task.seq] = copy(task);
      if (!task.key.empty())
        to.keys[std::string(task.key)] = Key{task.seq, task.fingerprint, turn.now_ms};
    }
    for (const core::JournalChange& change : turn.task_changes) {
      Task& task = to.tasks.at(change.seq);
      task.change = Change{change, std::string(change.why)};
      task.change->facts.why = {};
    }
    for (const core::SeqRange& run : turn.tasks_settled)
      for (core::Seq seq = run.first; seq <= run.last; seq = core::next(seq)) to.tasks.erase(seq);
    for (const core::JournalAnswer& answer : turn.submits_answered) {
      to.answers.push_back({answer, {answer.exceptions.begin(), answer.exceptions.end()}});
      to.answers.back().facts.exceptions = {};
      to.answers.back().facts.answered_ms = turn.now_ms;
    }
    to.workers.insert(turn.workers_joined.begin(), turn.workers_joined.end());
    for (const core::Boot& boot : turn.workers_left) to.workers.erase(boot);
  }

  Contents contents_;
  std::size_t turns_ = 0;
};

}  // namespace sluice::test
