// collector.cpp: sessions of producers: opening, silence, refusals, and what is sent.
// SPDX-License-Identifier: MIT
#include "core/collector.hpp"

#include <algorithm>
#include <utility>

#include "core/assert.hpp"

namespace sluice::core {
namespace {

// What a producer is told to wait when a table is full.
constexpr std::uint64_t kFullRetryMs = 5'000;

}  // namespace

Collector::Collector(CollectorOptions options, const SinkId& sink_id, Epoch sink_epoch)
    : options_(std::move(options)),
      sink_id_(sink_id),
      sink_epoch_(sink_epoch),
      shelf_(options_.shelf_bytes) {}

void Collector::restore(const Log& log, Seq seq, Status status) {
  CollectorLedger& ledger = ledgers_[log];
  restored_logs_ = ledgers_.size();
  // Two lines for one task come from a file put together by hand: the first stands.
  if (ledger.find(seq) == Known::unseen) ledger.set(seq, known(status));
}

void Collector::restore(const KnownSlice& slice) {
  CollectorLedger& ledger = ledgers_[slice.log];
  restored_logs_ = ledgers_.size();
  for (const KnownRun& run : slice.runs) ledger.restore(run);
  if (slice.floor) ledger.restore_floor(*slice.floor);
}

// A log's floor comes behind its runs: what falls below it meanwhile is covered by it.
bool Collector::known_slice(KnownCursor& cursor, std::size_t pages, KnownSlice& out) const {
  auto at = !cursor.begun     ? ledgers_.begin()
            : cursor.log_done ? ledgers_.upper_bound(cursor.log)
                              : ledgers_.find(cursor.log);
  if (at == ledgers_.end()) return false;
  if (!cursor.begun || cursor.log_done) cursor = {true, at->first, Seq{}, false};
  out.log = at->first;
  out.runs.clear();
  out.floor.reset();
  const auto next = at->second.runs(cursor.at, pages, out.runs);
  if (next) {
    cursor.at = *next;
  } else {
    cursor.log_done = true;
    out.floor = at->second.floor();
  }
  return true;
}

void Collector::receive(PeerId from, const Envelope& in, Time now) {
  if (misbehaviour_.ignored(from, now)) {
    ++stats_.ignored;
    return;
  }
  if (const auto* hello = std::get_if<SinkOpen>(&in.message)) {
    open(from, in, *hello, now);
    return;
  }
  const auto at = sessions_.find(from);
  if (at == sessions_.end() || at->second.sid != in.sid) {
    ++stats_.unknown_session;
    error(from, Code::unknown_session, in.n, 0, "open a session first", now);
    return;
  }
  Session& session = at->second;
  session.heard = now;
  if (const auto* batch = std::get_if<Outcomes>(&in.message)) {
    outcomes(from, session, in, *batch);
  } else if (std::holds_alternative<SinkBeat>(in.message)) {
    send(from, session.sid, in.n, SinkBeaten{});
  } else if (const auto* watched = std::get_if<Watch>(&in.message)) {
    watch(from, session, in, *watched);
  } else if (const auto* floor = std::get_if<Floor>(&in.message)) {
    const auto known_log = ledgers_.find(floor->log);
    if (known_log != ledgers_.end()) known_log->second.raise_floor(floor->floor);
  } else {
    error(from, Code::bad_type, in.n, 0, "a sink takes no such message", now);
  }
}

// "HELLO twice on one connection: same WELCOME": a repeated try changes nothing.
// Another try on the same connection is a new session: the producer has let go of the old one.
void Collector::open(PeerId from, const Envelope& in, const SinkOpen& open, Time now) {
  const auto at = sessions_.find(from);
  if (at != sessions_.end()) {
    if (at->second.tried == in.n) {
      at->second.heard = now;
      opened(from, at->second);
      return;
    }
    forget(at);
  } else if (sessions_.size() >= options_.max_producers) {
    ++stats_.full;
    error(from, Code::busy, in.n, kFullRetryMs, "this sink has all the producers it can take", now);
    return;
  }
  Session& session = sessions_[from];
  session.sid = make_sid(sink_epoch_, ++sid_counter_);
  session.tried = in.n;
  session.name = std::make_unique<std::string>(open.name);
  session.heard = now;
  const Time silent_at = now + options_.timers.dead();
  sweep_at_ = sessions_.size() == 1 ? silent_at : std::min(sweep_at_, silent_at);
  opened(from, session);
}

void Collector::opened(PeerId to, const Session& session) {
  SinkOpened answer;
  answer.sink_id = sink_id_;
  answer.sink_epoch = raw(sink_epoch_);
  answer.heartbeat_ms = to_ms(options_.timers.heartbeat);
  answer.dead_ms = to_ms(options_.timers.dead());
  answer.max_frame = options_.frame.max_frame;
  answer.outcomes_limit = session.answered.inserted() + options_.window_outcomes;
  answer.bytes_limit = session.answered_bytes + options_.window_bytes;
  send(to, session.sid, session.tried, answer);
}

void Collector::refused(PeerId from, Code code, std::uint64_t n, Time now) {
  if (misbehaviour_.ignored(from, now)) {
    ++stats_.ignored;
    return;
  }
  ++stats_.refused_frames;
  if (code == Code::bad_type) {  // no offence: "the session lives"
    error(from, code, n, 0, "this sink does not read such a message", now);
    return;
  }
  if (!misbehaviour_.offend(from, now)) {
    error(from, code, n, 0, "not a frame of this protocol", now);
    return;
  }
  const auto at = sessions_.find(from);
  if (at != sessions_.end()) forget(at);
  ErrorMessage farewell;
  farewell.code = Code::bad_frame;
  farewell.text = "too many bad frames: not listening to this connection for a while";
  farewell.retry_ms = to_ms(Misbehaviour::kIgnoredFor);
  send(from, Sid{}, n, std::move(farewell));
}

void Collector::unreachable(PeerId peer) {
  const auto at = sessions_.find(peer);
  if (at != sessions_.end()) forget(at);
}

// What watchers are sent points into the shelf, so it is made here, after all inputs of the turn.
void Collector::advance(Time now) {
  forget_silent(now);
  flush_watched();
}

// Looks at every session at most once in D - H: whoever was heard since only moves the next look.
void Collector::forget_silent(Time now) {
  if (sessions_.empty() || now < sweep_at_) return;
  const Duration dead = options_.timers.dead();
  Time earliest = Time::max();
  for (auto at = sessions_.begin(); at != sessions_.end();) {
    const Time silent_at = at->second.heard + dead;
    if (silent_at <= now) {
      ++stats_.lost_producers;
      forget(at++);
    } else {
      earliest = std::min(earliest, silent_at);
      ++at;
    }
  }
  sweep_at_ = earliest;
}

std::optional<Time> Collector::next_deadline() const {
  if (sessions_.empty()) return std::nullopt;
  return sweep_at_;
}

void Collector::forget(std::map<PeerId, Session>::iterator at) {
  if (at->second.watching) forget_watching(at->first, *at->second.watching);
  old_names_.push_back(std::move(at->second.name));
  sessions_.erase(at);
}

Collector::Effects Collector::take_effects() {
  if (out_.store.empty()) flush_confirms();
  return std::exchange(out_, Effects{});
}

void Collector::recycle(Effects&& effects) {
  for (Send& spent : effects.sends) pool_.give_back(std::move(spent.envelope.message));
  effects.sends.clear();
  effects.store.clear();
  effects.lookups.clear();
  if (out_.sends.capacity() < effects.sends.capacity() && out_.sends.empty())
    out_.sends = std::move(effects.sends);
  if (out_.store.capacity() < effects.store.capacity() && out_.store.empty())
    out_.store = std::move(effects.store);
  if (pending_.empty()) old_names_.clear();
}

void Collector::mark(PeerId peer, Session& session) {
  if (session.dirty) return;
  session.dirty = true;
  dirty_.push_back(peer);
}

// One CONFIRM for each producer that has something to learn; more only if its entries
// would not fit. Limits are in each, so a lost one is made good by the next.
void Collector::flush_confirms() {
  for (const PeerId peer : dirty_) {
    const auto at = sessions_.find(peer);
    if (at == sessions_.end() || !at->second.dirty) continue;
    Session& session = at->second;
    session.dirty = false;
    std::size_t range = 0, exception = 0;
    do {
      auto out = pool_.take<SinkConfirm>();
      std::size_t room = options_.frame.max_entries;
      for (; range < session.ranges.size() && room > 0; --room)
        out.stored.push_back(session.ranges[range++]);
      for (; exception < session.exceptions.size() && room > 0; --room)
        out.exceptions.push_back(session.exceptions[exception++]);
      out.outcomes_limit = session.answered.inserted() + options_.window_outcomes;
      out.bytes_limit = session.answered_bytes + options_.window_bytes;
      send(peer, session.sid, ++session.confirms, std::move(out));
    } while (range < session.ranges.size() || exception < session.exceptions.size());
    session.ranges.clear();
    session.exceptions.clear();
  }
  dirty_.clear();
}

void Collector::error(PeerId to, Code code, std::uint64_t n, std::uint64_t retry_ms,
                      std::string text, Time now) {
  if (!errors_.allow(to, now)) return;
  ErrorMessage answer;
  answer.code = code;
  answer.text = std::move(text);
  answer.retry_ms = retry_ms;
  send(to, Sid{}, n, std::move(answer));
}

void Collector::send(PeerId to, Sid sid, std::uint64_t n, Message message) {
  out_.sends.push_back({to, Envelope{sid, n, std::move(message)}});
}

CollectorStats Collector::stats() const {
  CollectorStats now = stats_;
  now.producers = sessions_.size();
  now.logs = ledgers_.size();
  now.storing = pending_.size() - answered_;
  now.awaited = awaiting_.size();
  now.shelf = shelf_.size();
  now.shelf_bytes = shelf_.bytes();
  now.shelf_dropped = shelf_.dropped();
  return now;
}

}  // namespace sluice::core
