// dispatcher_audit.hpp: whether all members of a ventilator's machine agree.
// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <deque>
#include <string>
#include <utility>
#include <vector>

#include "core/dispatcher.hpp"

namespace sluice::core {

/// Looks at the members of a ventilator's machine; the first thing that does not fit, or nothing.
class DispatcherAudit {
 public:
  explicit DispatcherAudit(const Dispatcher& machine) : m_(machine) {}

  const char* fault() {
    slots_ = all_slots();
    live_.clear();
    for (const TaskSlot slot : slots_) {
      const Seq seq = m_.tasks_[slot].seq;
      live_.push_back(seq);
      if (m_.tasks_.find(seq) != slot) return "a number leads to another task";
    }
    if (slots_.size() != m_.tasks_.count()) return "the count of tasks is wrong";
    for (const char* fault : {backlog(), tasks(), sessions(), suspects()})
      if (fault != nullptr) return fault;
    return nullptr;
  }
  [[nodiscard]] const TaskTable& table() const { return m_.tasks_; }
  /// Those of unsettled tasks, by number. (There may be very many numbers between two of them.)
  [[nodiscard]] std::vector<TaskSlot> all_slots() const {
    std::vector<TaskSlot> slots;
    for (TaskSlot slot = 0; slot < m_.tasks_.slot_end(); ++slot)
      if (m_.tasks_[slot].state != TaskState::free) slots.push_back(slot);
    std::sort(slots.begin(), slots.end(),
              [this](TaskSlot a, TaskSlot b) { return m_.tasks_[a].seq < m_.tasks_[b].seq; });
    return slots;
  }
  [[nodiscard]] const std::deque<WorkerSession>& all_sessions() const { return m_.sessions_; }
  [[nodiscard]] const std::map<PeerId, ClientSession>& all_clients() const { return m_.clients_; }
  [[nodiscard]] const std::string& type_name(std::uint32_t type) const {
    return m_.type_names_[type];
  }
  /// Tasks that are settled, and whose records are not in the journal yet.
  [[nodiscard]] const std::vector<Seq>& unwritten_settled() const { return m_.settled_; }
  /// The journal has that no number from here on is in use ...
  [[nodiscard]] std::uint64_t numbers_below() const { return m_.numbers_below_; }
  /// ... and that no task above was ever dispatched.
  [[nodiscard]] std::uint64_t dispatched_upto() const { return m_.dispatched_upto_; }
  /// Entries of what is bounded by time or number.
  [[nodiscard]] std::size_t remembered_boots() const { return m_.lost_boots_.size(); }
  /// Unsettled tasks, as of the last look.
  [[nodiscard]] const std::vector<Seq>& live() const { return live_; }

 private:
  const char* runs() {
    const Backlog& far = m_.backlog_;
    if (far.count() == 0) return nullptr;
    const SeqIndex& numbers = m_.tasks_.numbers();
    std::vector<std::uint32_t> in_run(far.runs_.size());
    for (Seq seq = numbers.floor(); seq < numbers.next_seq(); seq = next(seq)) {
      if (!far.holds(seq)) continue;
      live_.push_back(seq);
      const Backlog::Run run = far.run_of(seq);
      if (run >= far.runs_.size()) return "a number leads to no run";
      if (seq < far.runs_[run].low || seq > far.runs_[run].high)
        return "a number outside of its run";
      ++in_run[run];
    }
    if (live_.size() != m_.unsettled()) return "the count of unsettled tasks is wrong";
    std::sort(live_.begin(), live_.end());
    for (std::size_t run = 0; run < in_run.size(); ++run)
      if (in_run[run] != far.runs_[run].tasks) return "the count of a run is wrong";
    return nullptr;
  }

  // Each number that leads there, and all counts. Its numbers are looked for only if there are any.
  const char* backlog() {
    const Backlog& far = m_.backlog_;
    if (const char* const fault = runs()) return fault;
    std::uint64_t tasks = 0, bytes = 0, spilled = 0, spilled_bytes = 0;
    for (std::size_t type = 0; type < far.queues_.size(); ++type) {
      std::uint64_t of_type = 0;
      for (const Backlog::Level& level : far.queues_[type].levels) {
        std::uint64_t of_level = 0;
        for (const Backlog::Run run : level.runs) {
          const Backlog::Body& body = far.runs_[run];
          if (body.tasks > 0 && (body.type != type || body.priority != level.priority))
            return "a run in another's queue";
          of_level += body.tasks;
          (body.in_memory ? bytes : spilled_bytes) += body.bytes;
          if (!body.in_memory) spilled += body.tasks;
        }
        if (of_level != level.count) return "the count of a level is wrong";
        of_type += of_level;
      }
      if (of_type != far.count(static_cast<std::uint32_t>(type)))
        return "the count of a type's backlog is wrong";
      tasks += of_type;
    }
    if (tasks != far.count()) return "the count of the backlog's queues is wrong";
    if (bytes != far.bytes()) return "the bytes of the backlog are wrong";
    if (spilled != far.spilled() || spilled_bytes != far.spilled_bytes())
      return "the count of what only the journal has is wrong";
    return nullptr;
  }

  const char* tasks() {
    std::uint64_t count[5] = {}, bytes = 0;
    std::vector<std::uint64_t> ready(m_.ready_.size());
    heads_.clear();
    leases_.clear();
    for (const TaskSlot slot : slots_) {
      const TaskRecord& task = m_.tasks_[slot];
      ++count[static_cast<int>(task.state)];
      bytes += task.body.size();
      const bool is_leased = task.state == TaskState::leased;
      if (is_leased != (task.lease != Lease{})) return "a lease of a task that is not leased";
      if (is_leased) leases_.push_back(task.lease);
      if (is_leased != (task.session != kNoSession)) return "a session of a task not leased";
      if (task.next != kNoTask && m_.tasks_[task.next].prev != slot) return "a broken link";
      if (task.prev != kNoTask && m_.tasks_[task.prev].next != slot) return "a broken link back";
      const bool queued = task.state == TaskState::ready && !task.suspect;
      if (queued) {
        ++ready[task.type];
        if (task.prev == kNoTask) heads_.push_back({task.type, task.priority});
      } else if (!is_leased && (task.prev != kNoTask || task.next != kNoTask)) {
        return "a task on a list where it does not belong";
      }
    }
    if (has_twins(heads_)) return "two queues of one type and priority";
    if (has_twins(leases_)) return "a lease of two tasks";
    for (std::size_t type = 0; type < ready.size(); ++type)
      if (ready[type] != m_.ready_[type].count()) return "the count of a queue is wrong";
    if (bytes != m_.tasks_.bytes()) return "the count of bytes is wrong";
    if (count[0] != 0) return "a free slot has a number";
    if (count[1] != m_.ready_count_) return "the count of ready tasks is wrong";
    if (count[2] != m_.delayed_count_) return "the count of delayed tasks is wrong";
    if (count[4] != m_.settling_count_) return "the count of settling tasks is wrong";
    leased_ = count[3];
    return nullptr;
  }

  const char* sessions() {
    std::uint64_t held = 0, sessions = 0, lanes = 0;
    for (const WorkerSession& session : m_.sessions_) {
      if (session.sid == Sid{}) continue;
      ++sessions;
      lanes += session.push_lane ? 1 : 0;
      if (session.tasks_sent > session.tasks_limit) return "more tasks than the credit";
      if (session.bytes_sent > session.bytes_limit) return "more bytes than the credit";
      std::uint32_t count = 0;
      for (TaskSlot s = session.held.head; s != kNoTask; s = m_.tasks_[s].next, ++count) {
        const TaskRecord& task = m_.tasks_[s];
        if (task.state != TaskState::leased || task.session != session.index)
          return "a session holds what is not leased to it";
      }
      if (count != session.held.count) return "the count of a session's leases is wrong";
      held += count;
      const bool may = session.phase == SessionPhase::active && !session.suspect &&
                       !session.trial && session.free_tasks() > 0 && session.free_bytes() > 0;
      if (may != (session.standing != Standing::closed)) return "a stale standing";
      if (may && (count < session.slots) != (session.standing == Standing::idle))
        return "a stale standing of an idle session";
      if (m_.by_sid_.at(session.sid) != session.index) return "a sid leads elsewhere";
    }
    if (held != leased_) return "a leased task that no session holds";
    if (sessions != m_.by_sid_.size()) return "a sid of nobody";
    if (lanes != m_.lanes_) return "the count of lanes is wrong";
    return nullptr;
  }

  const char* suspects() {
    std::vector<TaskSlot> seen = m_.suspects_;
    if (has_twins(seen)) return "a suspect named twice";
    for (const TaskSlot slot : m_.suspects_) {
      const TaskRecord& task = m_.tasks_[slot];
      if (task.state != TaskState::ready || !task.suspect) return "a suspect that is none";
    }
    std::size_t count = 0;
    for (const TaskSlot slot : slots_) {
      const TaskRecord& task = m_.tasks_[slot];
      count += task.state == TaskState::ready && task.suspect ? 1 : 0;
    }
    return count == seen.size() ? nullptr : "a suspect on no list";
  }

  template <typename T>
  static bool has_twins(std::vector<T>& values) {
    std::sort(values.begin(), values.end());
    return std::adjacent_find(values.begin(), values.end()) != values.end();
  }

  const Dispatcher& m_;
  std::vector<Seq> live_;
  std::vector<TaskSlot> slots_;
  std::vector<std::pair<std::uint32_t, std::uint32_t>> heads_;
  std::vector<Lease> leases_;
  std::uint64_t leased_ = 0;
};

}  // namespace sluice::core
