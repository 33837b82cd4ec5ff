// dispatcher_settling.cpp: how tasks end, above all those that no worker can end.
// SPDX-License-Identifier: MIT
#include <algorithm>
#include <utility>

#include "core/assert.hpp"
#include "core/dispatcher.hpp"

namespace sluice::core {
namespace {

constexpr std::size_t kMostProgressShown = 20;  // for each worker

}  // namespace

// Rule 15: the ventilator sends such an outcome itself, and settles the task only
// when the sink has it. If the sink already holds another, that one stands. The
// task must be on no list (state delayed).
void Dispatcher::settle_here(TaskSlot slot, Status status, std::string_view why, Time now) {
  TaskRecord& task = tasks_[slot];
  SLUICE_ASSERT(task.state == TaskState::delayed);
  --delayed_count_;
  ++task.timer;
  task.state = TaskState::settling;
  ++settling_count_;
  note_ending(slot, status, why);
  if (producers_.empty())
    return settled(slot, status);  // a ventilator without sinks keeps no outcomes
  produce(task, {status, true}, why, now);
}

// The same for a task on whatever list.
void Dispatcher::end_early(TaskSlot slot, Status status, std::string_view why, Time now) {
  detach(slot);
  tasks_[slot].state = TaskState::delayed;
  ++delayed_count_;
  settle_here(slot, status, why, now);
}

// A seq has 63 bits on the wire, but nobody counts beyond 61.
std::uint64_t Dispatcher::Ending::cookie(Seq seq) const {
  return raw(seq) << 3 | (with_payload ? 4U : 0U) | static_cast<std::uint64_t>(status);
}

void Dispatcher::produce(const TaskRecord& task, Ending ending, std::string_view why, Time now) {
  OutcomeDraft draft;
  draft.log = identity_.log;
  draft.epoch = identity_.epoch;
  draft.seq = task.seq;
  draft.attempt = task.executions;
  draft.type = type_names_[task.type];
  draft.status = ending.status;
  draft.flags = ending.with_payload ? kTerminal | kTaskPayload : kTerminal;
  if (task.wanted) draft.flags |= kOutcomeWanted;
  draft.key = task.key();
  draft.error = why;
  if (ending.with_payload) draft.payload = task.payload();
  producers_[task.sink]->add(draft, ending.cookie(task.seq), now);
}

// What the sink has answered about one of our own outcomes. True if there is more to send.
bool Dispatcher::confirmed(const OutcomeConfirmed& answer, Time now) {
  const Ending ending{static_cast<Status>(answer.cookie & 3U), (answer.cookie & 4U) != 0};
  const TaskSlot slot = tasks_.find(static_cast<Seq>(answer.cookie >> 3));
  if (slot == kNoTask) return false;  // a worker's ack has settled it meanwhile (case 26)
  if (answer.code == Code::ok || answer.code == Code::duplicate) {
    settled(slot, answer.stored);
    return false;
  }
  if (answer.code == Code::too_large && ending.with_payload) {
    produce(tasks_[slot], {ending.status, false}, "its payload is larger than the sink's frames",
            now);
    return true;
  }
  settled(slot, ending.status);  // the sink refuses it for good and remembers that itself
  return false;
}

void Dispatcher::take_from_producer(std::size_t sink, Time now) {
  OutcomeProducer::Effects out = producers_[sink]->take_effects();
  bool more = false;
  for (const OutcomeConfirmed& answer : out.confirmed) more = confirmed(answer, now) || more;
  if (out.close) effects_.close_sinks.push_back(sink);
  if (out.open) effects_.open_sinks.push_back(sink);
  for (Envelope& envelope : out.sends) effects_.to_sinks.push_back({sink, std::move(envelope)});
  out.sends.clear();
  producers_[sink]->recycle(std::move(out));
  if (more) take_from_producer(sink, now);  // at most once: what goes again is small
}

void Dispatcher::receive_from_sink(std::size_t sink, const Envelope& in, Time now) {
  SLUICE_ASSERT(sink < producers_.size());
  producers_[sink]->receive(in, now);
}

void Dispatcher::sink_disconnected(std::size_t sink, Time now) {
  SLUICE_ASSERT(sink < producers_.size());
  producers_[sink]->disconnected(now);
}

// The sink holds an outcome of this status: the task is over.
void Dispatcher::settled(TaskSlot slot, Status status) {
  detach(slot);
  note_settled(slot);
  tasks_[slot].state = TaskState::delayed;  // on no list
  ++counters_.settled[static_cast<std::size_t>(status) & 3U];
  tasks_.remove(slot);
}

// Takes the task off whatever list it is on, and out of the counts.
void Dispatcher::detach(TaskSlot slot) {
  TaskRecord& task = tasks_[slot];
  task.awaits_inventory = false;
  switch (task.state) {
    case TaskState::ready:
      --ready_count_;
      if (task.suspect)
        std::erase(suspects_, slot);
      else
        ready_[task.type].unlink(tasks_, slot);
      break;
    case TaskState::delayed:
      --delayed_count_;
      break;
    case TaskState::leased:
      revoke(slot);
      --delayed_count_;
      break;
    case TaskState::settling:
      --settling_count_;
      break;
    case TaskState::free:
      SLUICE_ASSERT(false);
  }
}

void Dispatcher::set_task_timer(TimerHeap::Kind kind, Time at, TaskSlot slot) {
  // A task has at most one alarm of each kind that counts, a session one.
  timers_.prune(tasks_.count() * 2 + sessions_.size(),
                [this](const TimerHeap::Alarm& alarm) { return is_stale(alarm); });
  TaskRecord& task = tasks_[slot];
  if (kind == TimerHeap::Kind::task_ready)
    timers_.set({at, kind, slot, ++task.timer});  // an earlier wait no longer counts
  else
    timers_.set({at, kind, slot, raw(task.seq)});
}

bool Dispatcher::is_stale(const TimerHeap::Alarm& alarm) const {
  if (alarm.kind == TimerHeap::Kind::session_grace)
    return by_sid_.find(static_cast<Sid>(alarm.who)) == by_sid_.end();
  // A slot has other tenants in time; an alarm is for one of them.
  const TaskRecord& task = tasks_[static_cast<TaskSlot>(alarm.who)];
  if (alarm.kind == TimerHeap::Kind::task_ready)
    return task.state != TaskState::delayed || task.timer != alarm.stamp;
  return task.state == TaskState::free || task.state == TaskState::settling ||
         raw(task.seq) != alarm.stamp;
}

void Dispatcher::ring(const TimerHeap::Alarm& alarm, Time now) {
  if (is_stale(alarm)) return;
  if (alarm.kind == TimerHeap::Kind::session_grace)
    return lose(by_sid_.find(static_cast<Sid>(alarm.who))->second, now);
  const auto slot = static_cast<TaskSlot>(alarm.who);
  TaskRecord& task = tasks_[slot];
  if (alarm.kind == TimerHeap::Kind::task_ready) return make_ready(slot, false, now);
  if (task.state == TaskState::leased) {
    Cancel message;
    message.entries.push_back({task.seq, task.lease});
    to_worker(sessions_[task.session], 0, std::move(message), now);
    if (may_be_running(slot, now)) ++task.executions;
  }
  end_early(slot, Status::expired, "its time to live has passed", now);
}

DispatcherStatus Dispatcher::status(Time now) const {
  DispatcherStatus out;
  out.log = identity_.log;
  out.epoch = identity_.epoch;
  out.draining = draining_;
  out.recovering = is_recovering();
  out.ready = ready_count_ + backlog_.count();
  out.delayed = delayed_count_;
  out.settling = settling_count_;
  out.tasks = unsettled();
  out.leased = tasks_.count() - ready_count_ - delayed_count_ - settling_count_;
  out.bytes = bytes_in_memory();
  out.spilled = backlog_.spilled();
  out.spilled_bytes = backlog_.spilled_bytes();
  out.max_tasks = options_.max_tasks;
  out.max_bytes = options_.max_bytes;
  out.floor = tasks_.numbers().floor();
  out.next = tasks_.numbers().next_seq();
  out.clients = clients_.size();
  out.counters = counters_;
  for (std::uint32_t t = 0; t < type_names_.size(); ++t)
    out.types.push_back(
        {type_names_[t], ready_[t].count() + backlog_.count(t), placement_.serving_count(t)});
  for (const WorkerSession& session : sessions_)
    if (session.sid != Sid{}) out.workers.push_back(worker_status(session, now));
  for (std::size_t i = 0; i < producers_.size(); ++i)
    out.sinks.push_back({options_.sinks[i], producers_[i]->is_open(), producers_[i]->retained()});
  return out;
}

WorkerStatus Dispatcher::worker_status(const WorkerSession& session, Time now) const {
  constexpr const char* kPhases[] = {"opening", "reconcile", "probing", "active", "leaving"};
  WorkerStatus out;
  out.name = session.name;
  out.agent = session.agent;
  out.sid = session.sid;
  out.phase = session.suspect ? "suspect" : kPhases[static_cast<int>(session.phase)];
  out.push_lane = session.push_lane;
  out.slots = session.slots;
  out.held = session.held.count;
  out.credit = session.free_tasks();
  out.queued = session.last_state.queued;
  out.running = session.last_state.running;
  out.retained = session.last_state.retained;
  out.done = session.acked_done;
  out.other = session.acked_other;
  out.nacked = session.nacked;
  out.returned = session.returned;
  out.quiet = now - session.last_heard;
  out.up = now - session.since;
  for (const std::uint32_t t : session.types) out.types.push_back(type_names_[t]);
  TaskSlot slot = progress_.size() > 0 ? session.held.head : kNoTask;
  for (; slot != kNoTask && out.progress.size() < kMostProgressShown; slot = tasks_[slot].next) {
    if (const ProgressBoard::Note* const note = progress_.find(slot))
      out.progress.push_back(
          {tasks_[slot].seq, tasks_[slot].executions + 1, now - note->since, note->text});
  }
  return out;
}

}  // namespace sluice::core
