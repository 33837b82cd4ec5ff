// dispatcher.cpp: where messages go, and what is looked at from time to time.
// SPDX-License-Identifier: MIT
#include "core/dispatcher.hpp"

#include <algorithm>
#include <utility>

#include "core/assert.hpp"

namespace sluice::core {
namespace {

// Sessions are looked over so often per heartbeat; a session that needs an exact
// instant (the grace after a cut) has an alarm of its own.
constexpr int kScansPerHeartbeat = 8;

PackedTask usual_task(const RetryPolicy& retry) {
  PackedTask out;
  out.max_attempts = retry.max_attempts;
  out.max_losses = retry.max_losses;
  out.backoff_ms = to_ms(retry.backoff);
  out.backoff_most_ms = to_ms(retry.backoff_most);
  return out;
}

bool is_client_message(const Message& message) {
  return std::holds_alternative<Submit>(message) || std::holds_alternative<CancelTasks>(message) ||
         std::holds_alternative<Query>(message) || std::holds_alternative<ClientBeat>(message);
}

bool is_worker_message(const Message& message) {
  return std::holds_alternative<Inventory>(message) || std::holds_alternative<State>(message) ||
         std::holds_alternative<Ack>(message) || std::holds_alternative<Nack>(message) ||
         std::holds_alternative<Return>(message) || std::holds_alternative<Gap>(message) ||
         std::holds_alternative<Goodbye>(message) || std::holds_alternative<Progress>(message);
}

}  // namespace

Dispatcher::Dispatcher(DispatcherOptions options, const Identity& identity, std::uint64_t seed)
    : options_(std::move(options)),
      identity_(identity),
      random_(seed),
      backlog_(tasks_.numbers(), usual_task(options_.retry),
               static_cast<std::uint32_t>(options_.sinks.size()), options_.backlog_run),
      progress_(options_.max_progress),
      keys_(options_.dedup_window, options_.dedup_entries),
      submits_(options_.dedup_window, options_.dedup_entries) {
  for (std::size_t i = 0; i < options_.sinks.size(); ++i) {
    OutcomeProducer::Options producer;
    producer.timers = options_.timers;
    producer.name = options_.name;
    producer.max_entries = options_.frame.max_entries;
    producers_.push_back(
        std::make_unique<OutcomeProducer>(producer, identity_.boot, random_.next() ^ i));
  }
}

Dispatcher::~Dispatcher() = default;

void Dispatcher::receive(PeerId from, const Envelope& in, Time now) {
  if (misbehaviour_.ignored(from, now)) return;
  if (const auto* hello = std::get_if<Hello>(&in.message)) return on(from, in, *hello, now);
  if (const auto* open = std::get_if<ClientOpen>(&in.message)) return on(from, in, *open, now);
  if (is_client_message(in.message)) {
    const auto at = clients_.find(from);
    if (at == clients_.end() || at->second.sid != in.sid)
      return answer_unknown_session(from, in, now);
    ClientSession& client = at->second;
    client.last_heard = now;
    if (const auto* submit = std::get_if<Submit>(&in.message)) on(client, in, *submit, now);
    if (const auto* cancel = std::get_if<CancelTasks>(&in.message)) on(client, in, *cancel, now);
    if (const auto* query = std::get_if<Query>(&in.message)) on(client, in, *query, now);
    if (std::holds_alternative<ClientBeat>(in.message)) {
      grant(client);
      to_peer(from, client.sid, in.n, ClientBeaten{client.tasks_limit, client.bytes_limit});
    }
    return;
  }
  if (!is_worker_message(in.message)) {
    ++counters_.wrong_message;
    // An ERROR is never answered by another, or two peers could go on for ever.
    if (!std::holds_alternative<ErrorMessage>(in.message) && error_limiter_.allow(from, now))
      error(from, in.sid, in.n, Code::bad_type, "a ventilator does not take this message");
    return;
  }
  WorkerSession* session = session_of(from, in.sid);
  if (session == nullptr) return answer_unknown_session(from, in, now);
  heard(*session, now);
  std::visit(Overloaded{
                 [&](const Inventory& m) { on(*session, in, m, now); },
                 [&](const State& m) { on(*session, in, m, now); },
                 [&](const Ack& m) { on(*session, in, m, now); },
                 [&](const Nack& m) { on(*session, in, m, now); },
                 [&](const Return& m) { on(*session, in, m, now); },
                 [&](const Gap& m) { on(*session, in, m, now); },
                 [&](const Goodbye& m) { on(*session, in, m, now); },
                 [&](const Progress& m) { on(*session, m, now); },
                 [](const auto&) {},
             },
             in.message);
}

// A sign of life ends the suspicion, but for a connection that is known to be gone.
void Dispatcher::heard(WorkerSession& session, Time now) {
  session.last_heard = now;
  if (!session.suspect || session.cut) return;
  session.suspect = false;
  session.lane_short_since = now;  // it has not read its lane meanwhile
  placement_.refresh(session.index);
}

WorkerSession* Dispatcher::session_of(PeerId from, Sid sid) {
  const auto at = by_peer_.find(from);
  if (at == by_peer_.end()) return nullptr;
  WorkerSession& session = sessions_[at->second];
  return session.sid == sid && session.phase != SessionPhase::opening ? &session : nullptr;
}

// Rule 6: "A sid that is not the sender's current one: ERROR UNKNOWN_SESSION (at most 1/s per
// peer)".
void Dispatcher::answer_unknown_session(PeerId from, const Envelope& in, Time now) {
  ++counters_.unknown_session;
  if (!error_limiter_.allow(from, now)) return;
  error(from, in.sid, in.n, Code::unknown_session, "this session is over: say HELLO or OPEN again");
}

void Dispatcher::bad_frame(PeerId from, Code code, std::uint64_t n, std::string_view text,
                           Time now) {
  if (ignores(from, now)) return;
  const auto at = static_cast<std::size_t>(code);
  ++counters_.bad_frames[at < counters_.bad_frames.size() ? at : 1];
  if (error_limiter_.allow(from, now)) error(from, Sid{}, n, code, std::string(text));
  // Rule 12: an unknown type is answered and the session lives; a broken frame counts against it.
  if (code == Code::bad_type || !misbehaviour_.offend(from, now)) return;
  ++counters_.ignored_peers;
  to_peer(from, Sid{}, 0, Bye{Code::bad_frame});
  peer_gone(from, now);
}

void Dispatcher::error(PeerId to, Sid sid, std::uint64_t n, Code code, std::string text,
                       std::uint64_t retry_ms) {
  to_peer(to, sid, n, ErrorMessage{code, std::move(text), retry_ms, std::nullopt});
}

void Dispatcher::to_peer(PeerId peer, Sid sid, std::uint64_t n, Message message) {
  effects_.to_peers.push_back({peer, Envelope{sid, n, std::move(message)}});
}

void Dispatcher::to_worker(WorkerSession& session, std::uint64_t n, Message message, Time now) {
  session.last_sent = now;
  to_peer(session.peer, session.sid, n, std::move(message));
}

std::uint32_t Dispatcher::intern_type(std::string_view name) {
  const auto at = type_ids_.find(name);
  if (at != type_ids_.end()) return at->second;
  const auto id = static_cast<std::uint32_t>(type_names_.size());
  type_names_.emplace_back(name);
  type_ids_.emplace(std::string(name), id);
  ready_.emplace_back();
  run_times_.emplace_back();
  return id;
}

void Dispatcher::advance(Time now) {
  backlog_.spill();
  if (halted_) cancel_far(now);
  if (now >= next_scan_) {
    scan(now);
    next_scan_ = now + options_.timers.heartbeat / kScansPerHeartbeat;
  }
  if (written_by_ && now >= *written_by_) {
    written_by_.reset();
    write_is_due_ = true;
  }
  if (is_recovering() && now >= recovery_ends_) end_recovery(now);
  while (const auto alarm = timers_.take_due(now)) ring(*alarm, now);
  for (auto& producer : producers_) {
    if (!started_) producer->start(now);
    producer->advance(now);
  }
  started_ = true;
}

void Dispatcher::scan(Time now) {
  for (std::uint32_t i = 0; i < sessions_.size(); ++i)
    if (sessions_[i].sid != Sid{}) watch(sessions_[i], now);
  std::erase_if(clients_, [&](const auto& entry) {
    return now - entry.second.last_heard > options_.timers.reclaim();
  });
  for (auto& producer : producers_) producer->tell_floor(identity_.log, tasks_.numbers().floor());
  keys_.expire(now, [this](Seq seq) { return !is_unsettled(seq); });
  submits_.expire(now);
}

std::optional<Time> Dispatcher::next_deadline() const {
  std::optional<Time> at;
  const auto sooner = [&at](std::optional<Time> other) {
    if (other && (!at || *other < *at)) at = other;
  };
  sooner(timers_.next());
  if (is_recovering()) sooner(recovery_ends_);
  sooner(written_by_);
  if (!sessions_.empty() || !clients_.empty() || keys_.count() > 0 || submits_.count() > 0)
    sooner(next_scan_);
  for (const auto& producer : producers_) sooner(producer->next_deadline());
  return at;
}

DispatcherEffects Dispatcher::take_effects(Time now) {
  for (std::size_t i = 0; i < producers_.size(); ++i) take_from_producer(i, now);
  if (!options_.journal) send_acked(now);
  grant_waiting(now);
  // Last of all: its messages point into tasks that no later rule of this turn may end.
  dispatch(now);
  if (options_.journal && writes_journal(now)) {
    write_journal(now);
    send_acked(now);  // rule 3: after the journal has it
  }
  return std::exchange(effects_, {});
}

void Dispatcher::send_acked(Time now) {
  for (const std::uint32_t index : acked_due_) {
    WorkerSession& session = sessions_[index];
    if (!session.acked_due) continue;  // its session is over
    session.acked_due = false;
    to_worker(session, session.last_ano, Acked{}, now);
  }
  acked_due_.clear();
}

void Dispatcher::recycle(DispatcherEffects&& effects) {
  for (auto& send : effects.to_lanes) pool_.give_back(std::move(send.envelope.message));
  for (auto& send : effects.to_peers) pool_.give_back(std::move(send.envelope.message));
  for (auto& send : effects.to_sinks) pool_.give_back(std::move(send.envelope.message));
  effects.journal.clear();
  effects.to_lanes.clear();
  effects.to_peers.clear();
  effects.to_sinks.clear();
  effects.close_sinks.clear();
  effects.open_sinks.clear();
  effects.open_lanes.clear();
  effects.close_lanes.clear();
  effects.questions.clear();
  effects.later_life_heard = effects_.later_life_heard;
  // What happened while the effects were carried out has gone into fresh vectors.
  if (effects_.journal.empty() && effects_.to_peers.empty() && effects_.to_lanes.empty() &&
      effects_.to_sinks.empty() && effects_.open_lanes.empty() && effects_.close_lanes.empty() &&
      effects_.questions.empty() && effects_.close_sinks.empty() && effects_.open_sinks.empty())
    effects_ = std::move(effects);
}

void Dispatcher::say_bye(Time now) {
  draining_ = true;
  for (WorkerSession& session : sessions_)
    if (session.sid != Sid{} && session.phase != SessionPhase::opening)
      to_worker(session, 0, Bye{Code::draining}, now);
  for (auto& [peer, client] : clients_) to_peer(peer, client.sid, 0, Bye{Code::draining});
}

}  // namespace sluice::core
