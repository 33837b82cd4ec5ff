// dispatcher_clients.cpp: what submitters send, and how much they may send.
// SPDX-License-Identifier: MIT
#include <algorithm>
#include <utility>

#include "core/assert.hpp"
#include "core/dispatcher.hpp"

namespace sluice::core {
namespace {

constexpr std::uint64_t kBusyRetryMs = 1000;

}  // namespace

// --- a submitter in this process ------------------------------------------

std::uint64_t Dispatcher::free_tasks() const {
  std::uint64_t promised = reserved_local_ + unsettled();
  for (const auto& [peer, client] : clients_) promised += client.unused();
  return promised < options_.max_tasks ? options_.max_tasks - promised : 0;
}

std::uint64_t Dispatcher::free_bytes() const {
  std::uint64_t promised = bytes_in_memory();
  for (const auto& [peer, client] : clients_) promised += client.unused_bytes();
  return promised < options_.max_bytes ? options_.max_bytes - promised : 0;
}

bool Dispatcher::is_full() const {
  return reserved_local_ + unsettled() >= options_.max_tasks ||
         bytes_in_memory() >= options_.max_bytes;
}

std::optional<Seq> Dispatcher::reserve(std::uint32_t count) {
  if (count == 0 || !has_room()) return std::nullopt;
  // One at a time also from what clients were promised and may never use.
  if (count > 1 && free_tasks() < count) return std::nullopt;
  reserved_local_ += count;
  return tasks_.numbers().reserve(count);
}

void Dispatcher::give_up(Seq first, Seq last) {
  for (std::uint64_t seq = raw(first); seq <= raw(last); ++seq) {
    SLUICE_ASSERT(reserved_local_ > 0);
    --reserved_local_;
    tasks_.numbers().erase(static_cast<Seq>(seq));
  }
}

Code Dispatcher::submit(Seq reserved, std::string_view type, const SubmitEntry& entry, Time now) {
  SLUICE_ASSERT(reserved_local_ > 0);
  Code code = check(type, entry);
  if (code == Code::ok && !entry.key.empty()) {
    const KeyWindow::Known* known = keys_.find(entry.key);
    if (known != nullptr)
      code =
          known->fingerprint == fingerprint(type, entry.payload) ? Code::duplicate : Code::conflict;
  }
  --reserved_local_;
  if (code == Code::ok) return accept(reserved, type, entry, now);
  count_refusal(code);
  if (code == Code::unknown_task_type) return take_and_fail(reserved, type, entry, now);
  tasks_.numbers().erase(reserved);
  return code;
}

// Its submitter has the id already, so it must have an outcome.
Code Dispatcher::take_and_fail(Seq seq, std::string_view type, const SubmitEntry& entry, Time now) {
  SubmitEntry at_once = entry;
  at_once.delay_ms = 0;
  (void)accept(seq, "(one too many)", at_once, now);
  const TaskSlot slot = backlog_.holds(seq) ? bring(seq) : tasks_.find(seq);
  if (slot == kNoTask || tasks_[slot].state == TaskState::settling) return Code::ok;  // halted
  end_early(slot, Status::failed,
            "no more than " + std::to_string(options_.max_types) + " types can be used, and \"" +
                std::string(type) + "\" would be another",
            now);
  return Code::ok;
}

std::optional<Seq> Dispatcher::find_key(std::string_view key) const {
  const KeyWindow::Known* known = keys_.find(key);
  if (known == nullptr) return std::nullopt;
  return known->seq;
}

// --- taking a task in -------------------------------------------------------

void Dispatcher::count_refusal(Code code) {
  ++(code == Code::duplicate  ? counters_.duplicates
     : code == Code::conflict ? counters_.conflicts
                              : counters_.refused);
}

Code Dispatcher::check(std::string_view type, const SubmitEntry& entry) const {
  if (type.empty() || type.size() > 128 || entry.key.size() > 128) return Code::bad_frame;
  if (entry.payload.size() > options_.frame.max_payload()) return Code::too_large;
  if (type_ids_.find(type) == type_ids_.end() && type_names_.size() >= options_.max_types)
    return Code::unknown_task_type;
  return Code::ok;
}

Code Dispatcher::accept(Seq seq, std::string_view type, const SubmitEntry& entry, Time now) {
  const std::uint32_t type_id = intern_type(type);
  const RetryPolicy& retry = options_.retry;
  PackedTask task;
  task.seq = seq;
  task.key = entry.key;
  task.payload = entry.payload;
  if (!producers_.empty()) task.sink = static_cast<std::uint32_t>(raw(seq) % producers_.size());
  task.exec_ms = entry.exec_ms;
  task.wanted = (entry.flags & kSubmitWanted) != 0;
  task.max_attempts = entry.max_attempts > 0 ? entry.max_attempts : retry.max_attempts;
  task.max_losses = retry.max_losses;
  task.backoff_ms = to_ms(retry.backoff);
  task.backoff_most_ms = to_ms(retry.backoff_most);
  if (entry.options) {
    if (entry.options->max_losses > 0) task.max_losses = entry.options->max_losses;
    if (entry.options->backoff_ms > 0) task.backoff_ms = entry.options->backoff_ms;
    task.backoff_most_ms = entry.options->backoff_max_ms > 0
                               ? entry.options->backoff_max_ms
                               : std::max(task.backoff_most_ms, task.backoff_ms);
  }
  if (!entry.key.empty()) keys_.remember(entry.key, seq, fingerprint(type, entry.payload), now);
  ++counters_.submitted;
  if (options_.journal) taken_.push_back(seq);
  if (entry.ttl_ms == 0 && entry.delay_ms == 0 && is_far(type_id, entry.priority)) {
    backlog_.put(type_id, entry.priority, task);
    return Code::ok;
  }
  constexpr std::uint64_t kMostMs = 10ULL * 365 * 24 * 3600 * 1000;  // ten years
  const TaskSlot slot = take_slot({type_id, entry.priority, false, task});
  TaskRecord& record = tasks_[slot];
  if (entry.ttl_ms > 0) {
    record.expires = now + from_ms(std::min(entry.ttl_ms, kMostMs));
    set_task_timer(TimerHeap::Kind::task_expires, record.expires, slot);
  }
  if (entry.delay_ms > 0) {
    record.ready_at = now + from_ms(std::min(entry.delay_ms, kMostMs));
    set_task_timer(TimerHeap::Kind::task_ready, record.ready_at, slot);
  } else {
    make_ready(slot, false, now);
  }
  return Code::ok;
}

// Who submits a known task again may wait for it, too. Too late for what runs already: then the
// watch at the sink has to do without the flag.
void Dispatcher::want(Seq seq, Time now) {
  const bool was_far = backlog_.holds(seq);
  const TaskSlot slot = was_far ? bring(seq) : tasks_.find(seq);
  if (slot == kNoTask) return;
  tasks_[slot].wanted = true;
  note_changed(slot);
  if (was_far && !tasks_[slot].awaits_inventory) make_ready(slot, false, now);
}

// --- submitters elsewhere ---------------------------------------------------

void Dispatcher::on(PeerId from, const Envelope& in, const ClientOpen& open, Time now) {
  const auto known = clients_.find(from);
  const bool repeated =
      known != clients_.end() && known->second.boot == open.boot && known->second.open_try == in.n;
  if (!repeated) {
    if (known == clients_.end() && clients_.size() >= options_.max_clients)
      return error(from, Sid{}, in.n, Code::busy,
                   "the limit of clients is reached: try again later", kBusyRetryMs);
    ClientSession& fresh = clients_[from];
    fresh = ClientSession{};
    fresh.sid = make_sid(identity_.epoch, ++sid_counter_);
    fresh.peer = from;
    fresh.boot = open.boot;
    fresh.name = open.name;
    fresh.open_try = in.n;
  }
  ClientSession& client = clients_[from];
  client.last_heard = now;
  grant(client);
  ClientOpened opened;
  opened.log = identity_.log;
  opened.epoch = identity_.epoch;
  opened.inc = identity_.inc;
  opened.heartbeat_ms = to_ms(options_.timers.heartbeat);
  opened.dead_ms = to_ms(options_.timers.dead());
  opened.max_frame = options_.frame.max_frame;
  opened.max_entries = options_.frame.max_entries;
  opened.dedup_ms = to_ms(options_.dedup_window);
  opened.durable = options_.journal;
  opened.tasks_limit = client.tasks_limit;
  opened.bytes_limit = client.bytes_limit;
  opened.sinks = options_.sinks;
  to_peer(from, client.sid, in.n, std::move(opened));
}

void Dispatcher::on(ClientSession& client, const Envelope& in, const Submit& submit, Time now) {
  std::uint64_t bytes = 0;
  for (const SubmitEntry& entry : submit.entries) bytes += entry.payload.size() + entry.key.size();
  const auto answer = [&](const SubmitConfirm& confirm) {
    SubmitConfirm out = confirm;
    grant(client);
    out.tasks_limit = client.tasks_limit;
    out.bytes_limit = client.bytes_limit;
    to_peer(client.peer, client.sid, in.n, std::move(out));
  };
  // Rule 18: a SUBMIT resent after a lost CONFIRM is recognised by (client boot, cno).
  if (SubmitWindow::Answered* before = submits_.find(client.boot, in.n)) {
    counters_.duplicates += submit.entries.size();
    if (before->counted_in != client.sid) {
      client.tasks_sent += submit.entries.size();
      client.bytes_sent += bytes;
      before->counted_in = client.sid;
    }
    return answer(before->confirm);
  }
  if (draining_)
    return error(client.peer, client.sid, in.n, Code::draining,
                 "this ventilator takes no more tasks");
  if (!suspended_.empty())
    return error(client.peer, client.sid, in.n, Code::busy, suspended_, kBusyRetryMs);
  // The last submit may overrun the limits by itself, or a large task could never go, nor a batch
  // that was made when there was more room. What there is no room for is told BUSY.
  if (client.unused() == 0 || client.unused_bytes() == 0) {
    ++counters_.credit_exceeded;
    return error(client.peer, client.sid, in.n, Code::credit_exceeded,
                 "more tasks than the last limit allowed", kBusyRetryMs);
  }
  client.tasks_sent += submit.entries.size();
  client.bytes_sent += bytes;

  SubmitConfirm confirm;
  confirm.first = tasks_.numbers().next_seq();
  for (std::uint32_t i = 0; i < submit.entries.size(); ++i) {
    const SubmitEntry& entry = submit.entries[i];
    const std::string_view type = submit.types[entry.type_index];
    Code code = check(type, entry);
    Seq first{};
    if (code == Code::ok && !entry.key.empty()) {
      if (const KeyWindow::Known* known = keys_.find(entry.key)) {
        first = known->seq;
        code = known->fingerprint == fingerprint(type, entry.payload) ? Code::duplicate
                                                                      : Code::conflict;
      }
      if (code == Code::duplicate && (entry.flags & kSubmitWanted) != 0) want(first, now);
    }
    if (code == Code::ok && is_full()) code = Code::busy;  // the same room was promised twice
    if (code == Code::ok) {
      accept(tasks_.numbers().reserve(1), type, entry, now);
      continue;
    }
    if (code != Code::busy) count_refusal(code);
    confirm.exceptions.push_back({i, code, first});
  }
  submits_.remember(client.boot, in.n, {confirm, client.sid}, now);
  if (options_.journal) answered_.push_back({client.boot, in.n, confirm});
  answer(confirm);
}

void Dispatcher::on(ClientSession& client, const Envelope& in, const CancelTasks& cancel,
                    Time now) {
  CancelReply reply;
  for (const Seq seq : cancel.seqs)
    reply.answers.push_back({seq, this->cancel(seq, now) ? Code::ok : Code::expired});
  to_peer(client.peer, client.sid, in.n, std::move(reply));
}

void Dispatcher::on(ClientSession& client, const Envelope& in, const Query& query, Time) {
  effects_.questions.push_back({client.peer, client.sid, in.n, query});
}

// As much credit as the window and the room left allow; limits never fall.
void Dispatcher::grant(ClientSession& client) {
  // Also while draining: a client without credit would never ask, and never be told.
  // Half of what it could have at most, so that a second client finds some too. What many idle
  // ones were promised does not keep the last one from going on, a task at a time: should all of
  // them come, BUSY tells who was too late.
  const std::uint64_t least = is_full() ? 0 : 1;
  const std::uint64_t half = (client.unused() + free_tasks() + 1) / 2;
  const std::uint64_t want = std::min(options_.client_window_tasks, std::max(half, least));
  client.tasks_limit = std::max(client.tasks_limit, client.tasks_sent + want);
  const std::uint64_t half_bytes = (client.unused_bytes() + free_bytes() + 1) / 2;
  const std::uint64_t want_bytes =
      std::min(options_.client_window_bytes, std::max(half_bytes, least));
  if (want_bytes > 0)
    client.bytes_limit = std::max(client.bytes_limit, client.bytes_sent + want_bytes);
  client.starved = client.unused() == 0 || client.unused_bytes() == 0;
  clients_starved_ = clients_starved_ || client.starved;
}

// A client without credit is told as soon as there is some again.
void Dispatcher::grant_waiting(Time) {
  if (!clients_starved_ || !has_room()) return;
  clients_starved_ = false;
  for (auto& [peer, client] : clients_) {
    if (!client.starved) continue;
    grant(client);
    if (!client.starved)
      to_peer(peer, client.sid, 0, ClientBeaten{client.tasks_limit, client.bytes_limit});
  }
}

bool Dispatcher::cancel(Seq seq, Time now) {
  const TaskSlot slot = backlog_.holds(seq) ? bring(seq) : tasks_.find(seq);
  if (slot == kNoTask) return false;
  TaskRecord& task = tasks_[slot];
  if (task.state == TaskState::settling) return true;
  task.cancel_requested = true;
  note_changed(slot);
  if (task.awaits_inventory) return true;  // it ends when a worker says so, or none has it
  if (task.state == TaskState::leased) {
    WorkerSession& session = sessions_[task.session];
    Cancel message;
    message.entries.push_back({task.seq, task.lease});
    to_worker(session, 0, std::move(message), now);
    return true;
  }
  end_early(slot, Status::cancelled, "cancelled before it started", now);
  return true;
}

void Dispatcher::halt(bool stop_running, Time now) {
  draining_ = true;
  halted_ = stop_running ? DrainMode::stop : DrainMode::return_queued;
  std::vector<Seq> unstarted;
  const SeqIndex& numbers = tasks_.numbers();
  for (std::uint64_t seq = raw(numbers.floor()); seq < raw(numbers.next_seq()); ++seq) {
    const TaskSlot slot = tasks_.find(static_cast<Seq>(seq));
    if (slot == kNoTask) continue;
    const TaskState state = tasks_[slot].state;
    if (state == TaskState::ready || state == TaskState::delayed)
      unstarted.push_back(static_cast<Seq>(seq));
  }
  for (const Seq seq : unstarted) cancel(seq, now);
  for (WorkerSession& session : sessions_)
    if (session.sid != Sid{} && session.phase != SessionPhase::opening)
      to_worker(session, 0, Drain{*halted_, 0}, now);
}

}  // namespace sluice::core
