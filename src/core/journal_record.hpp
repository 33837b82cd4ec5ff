// journal_record.hpp: what a turn leaves for the journal, and what a restart gets back.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "core/chunk.hpp"
#include "core/ids.hpp"
#include "core/message.hpp"

namespace sluice::core {

/// A point in time that outlives the machine's uptime: milliseconds since 1970, UTC. The core
/// counts from boot; the shell converts, once at the start.
using WallMs = std::uint64_t;

/// A task as it was accepted. The views are good until the journal has appended it, or, in a
/// replay, until the visitor returns.
struct JournalTask {
  Seq seq{};
  std::string_view type;
  std::string_view key;
  Bytes payload;
  std::uint64_t fingerprint = 0;  ///< of type and payload; counts only with a key
  WallMs accepted_ms = 0;         ///< given back by a replay: the `now_ms` of its turn
  WallMs not_before_ms = 0;       ///< 0: at once
  WallMs expires_ms = 0;          ///< 0: never
  std::uint64_t exec_ms = 0;
  std::uint64_t backoff_ms = 0;
  std::uint64_t backoff_most_ms = 0;
  std::uint32_t max_attempts = 0;
  std::uint32_t max_losses = 0;
  std::uint32_t priority = 0;
  std::uint32_t sink = 0;
  bool wanted = false;
};

/// What has become of an unsettled task since it was accepted, as a whole: a later one replaces
/// an earlier one. A task that nothing has become of has none.
struct JournalChange {
  Seq seq{};
  std::uint32_t executions = 0;
  std::uint32_t failures = 0;
  std::uint32_t losses = 0;
  WallMs not_before_ms = 0;  ///< the end of its backoff; 0: ready
  bool wanted = false;       ///< takes the place of the task's own
  bool cancel_requested = false;
  bool suspect = false;
  bool settling = false;  ///< decided: `status` goes to the sink, it is not dispatched again
  Status status{};
  bool with_payload = false;
  std::string_view why;

  friend bool operator==(const JournalChange&, const JournalChange&) = default;
};

/// What was answered to a client's SUBMIT (rule 18).
struct JournalAnswer {
  Boot boot{};
  std::uint64_t cno = 0;
  Seq first{};
  std::span<const SubmitException> exceptions;
  WallMs answered_ms = 0;  ///< given back by a replay
};

/// A key of the dedup window; its task may be settled. Only a replay gives these: they are made
/// of the tasks that were accepted.
struct JournalKey {
  std::string_view key;
  Seq seq{};
  std::uint64_t fingerprint = 0;
  WallMs accepted_ms = 0;
};

/// All that one turn leaves. It is appended whole or not at all, in the order of the members.
/// Reused from turn to turn, so that the steady flow allocates nothing.
struct JournalTurn {
  WallMs now_ms = 0;
  /// No number above this one is in use: raised in blocks, before one of them is given away.
  Seq numbers_reserved{};
  /// No task above this one was ever dispatched: raised in blocks, before one of them is sent.
  Seq dispatched_up_to{};
  std::vector<JournalTask> tasks_taken;     ///< in order of acceptance
  std::vector<JournalChange> task_changes;  ///< of unsettled tasks; the last one of a task counts
  std::vector<SeqRange> tasks_settled;      ///< what is not unsettled is passed over
  std::vector<JournalAnswer> submits_answered;
  /// Workers that may hold tasks: after a restart their inventories are waited for (rule 17).
  std::vector<Boot> workers_joined, workers_left;

  [[nodiscard]] bool empty() const {
    return numbers_reserved == Seq{} && dispatched_up_to == Seq{} && tasks_taken.empty() &&
           task_changes.empty() && tasks_settled.empty() && submits_answered.empty() &&
           workers_joined.empty() && workers_left.empty();
  }
  void clear() {
    now_ms = 0;
    numbers_reserved = dispatched_up_to = Seq{};
    tasks_taken.clear();
    task_changes.clear();
    tasks_settled.clear();
    submits_answered.clear();
    workers_joined.clear();
    workers_left.clear();
  }
  /// The next task that ended: runs are made where the numbers follow each other.
  void settle(Seq seq) {
    if (!tasks_settled.empty() && next(tasks_settled.back().last) == seq)
      tasks_settled.back().last = seq;
    else
      tasks_settled.push_back({seq, seq});
  }
};

}  // namespace sluice::core
