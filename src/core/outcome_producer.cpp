// outcome_producer.cpp: the session with a sink: opening, silence, answers.
// SPDX-License-Identifier: MIT
#include "core/outcome_producer.hpp"

#include <algorithm>
#include <utility>

namespace sluice::core {
namespace {

constexpr std::size_t kMostError = 512;  // more would be cut on the wire anyway
constexpr Duration kDeferLeast = 10ms, kDeferMost = 60s;
constexpr Duration kNotAuthorizedWait = 60s;
constexpr std::uint64_t kLeastFrame = 1024;

Duration clamp_ms(std::uint64_t ms, Duration least, Duration most) {
  return std::clamp(from_ms(ms), least, most);
}

}  // namespace

OutcomeProducer::OutcomeProducer(Options options, const Boot& boot, std::uint64_t seed)
    : options_(std::move(options)),
      boot_(boot),
      random_(seed),
      backoff_(options_.reconnect_least, options_.reconnect_most),
      heartbeat_(options_.timers.heartbeat),
      dead_(options_.timers.dead()) {}

void OutcomeProducer::start(Time now) {
  now_ = now;
  if (phase_ == Phase::stopped) open();
}

void OutcomeProducer::stop() {
  if (phase_ == Phase::stopped) return;
  lose();
  phase_ = Phase::stopped;
  backoff_.reset();
}

void OutcomeProducer::open() {
  phase_ = Phase::opening;
  sid_ = Sid{};
  count_ = 0;
  heard_ = now_;
  out_.open = true;
  SinkOpen open;
  open.boot = boot_;
  open.name = options_.name;
  open.agent = options_.agent;
  send(++tries_, std::move(open));
}

// Whatever was under way on the old connection counts as lost; the records stay.
void OutcomeProducer::lose(Duration at_least) {
  phase_ = Phase::closed;
  sid_ = Sid{};
  out_.close = true;
  out_.open = false;
  out_.sends.clear();
  resends_.clear();
  due_.clear();
  open_at_ = now_ + std::max({backoff_.next(random_), at_least, Duration(1)});
}

Rsn OutcomeProducer::add(const OutcomeDraft& draft, std::uint64_t cookie, Time now) {
  now_ = now;
  std::uint32_t place = 0;
  if (free_.empty()) {
    place = static_cast<std::uint32_t>(records_.size());
    records_.emplace_back();
  } else {
    place = free_.back();
    free_.pop_back();
  }
  const std::string_view error = draft.error.substr(0, kMostError);
  Record& record = records_[place];
  record = Record{};
  record.seq = draft.seq;
  record.lease = draft.lease;
  record.cookie = cookie;
  record.started_us = draft.started_us;
  record.run_us = draft.run_us;
  record.type = draft.type;
  record.key_size = static_cast<std::uint32_t>(draft.key.size());
  record.error_size = static_cast<std::uint32_t>(error.size());
  record.attempt = draft.attempt;
  record.flags = draft.flags;
  record.status = draft.status;
  record.lineage = lineage_of(draft.log, draft.epoch);
  scratch_.assign(draft.key).append(error);
  record.bytes = chunks_.copy(as_bytes(scratch_), draft.payload);
  retained_bytes_ += record.bytes.size();
  return index_.add(place);
}

std::uint32_t OutcomeProducer::lineage_of(const Log& log, Epoch epoch) {
  std::size_t unused = lineages_.size();
  for (std::size_t i = 0; i < lineages_.size(); ++i) {
    if (lineages_[i].epoch == epoch && lineages_[i].log == log) {
      ++lineages_[i].outcomes;
      return static_cast<std::uint32_t>(i);
    }
    if (lineages_[i].outcomes == 0) unused = i;
  }
  if (unused == lineages_.size()) lineages_.emplace_back();
  lineages_[unused] = {log, epoch, 1};
  return static_cast<std::uint32_t>(unused);
}

void OutcomeProducer::tell_floor(const Log& log, Seq floor) {
  const auto at = std::find_if(floors_.begin(), floors_.end(),
                               [&](const FloorNote& note) { return note.log == log; });
  if (at == floors_.end())
    floors_.push_back({log, floor});
  else if (floor <= at->floor)
    return;
  else
    at->floor = floor;
  if (phase_ == Phase::open) send(++count_, Floor{log, floor});
}

void OutcomeProducer::receive(const Envelope& in, Time now) {
  now_ = now;
  if (phase_ != Phase::opening && phase_ != Phase::open) {
    ++stats_.ignored;
    return;
  }
  if (const auto* opened_message = std::get_if<SinkOpened>(&in.message)) {
    opened(in, *opened_message);
  } else if (const auto* error_message = std::get_if<ErrorMessage>(&in.message)) {
    error(in, *error_message);
  } else if (phase_ == Phase::open && in.sid == sid_) {
    const auto* confirm_message = std::get_if<SinkConfirm>(&in.message);
    if (confirm_message == nullptr && !std::holds_alternative<SinkBeaten>(in.message)) {
      ++stats_.ignored;
      return;
    }
    heard_ = now;
    if (confirm_message != nullptr) confirm(*confirm_message);
  } else {
    ++stats_.ignored;
  }
}

void OutcomeProducer::opened(const Envelope& in, const SinkOpened& opened) {
  if (in.n != tries_ || phase_ == Phase::open) {
    ++stats_.ignored;  // the answer to another try, or the same one twice
    return;
  }
  phase_ = Phase::open;
  sid_ = in.sid;
  heard_ = now_;
  const PeerTimers timers(opened.heartbeat_ms, opened.dead_ms);
  heartbeat_ = timers.heartbeat;
  dead_ = timers.dead;
  max_frame_ = std::max(opened.max_frame, kLeastFrame);
  outcomes_limit_ = opened.outcomes_limit;
  bytes_limit_ = opened.bytes_limit;
  outcomes_spent_ = bytes_spent_ = 0;
  backoff_.reset();
  ++stats_.sessions;
  for (Record& record : records_) {
    record.sent = record.deferred = false;
    record.tries = 0;
  }
  next_unsent_ = Rsn{1};
  for (const FloorNote& note : floors_) send(++count_, Floor{note.log, note.floor});
}

void OutcomeProducer::error(const Envelope& in, const ErrorMessage& error) {
  ++stats_.errors;
  const Duration wait = std::max(clamp_ms(error.retry_ms, Duration(0), kDeferMost),
                                 error.code == Code::not_authorized ? kNotAuthorizedWait : 0s);
  if (phase_ == Phase::opening) {
    if (in.n == tries_ || error.code == Code::not_authorized) lose(wait);
    return;
  }
  switch (error.code) {
    case Code::unknown_session:
    case Code::session_replaced:
    case Code::stale_epoch:
    case Code::credit_exceeded:
    case Code::not_authorized:
    case Code::not_primary:
    case Code::draining:
      lose(wait);
      return;
    default:
      if (wait > Duration(0)) lose(wait);
  }
}

void OutcomeProducer::confirm(const SinkConfirm& confirm) {
  outcomes_limit_ = std::max(outcomes_limit_, confirm.outcomes_limit);
  bytes_limit_ = std::max(bytes_limit_, confirm.bytes_limit);
  for (const ConfirmRange& range : confirm.stored) stored(range);
  for (const ConfirmException& exception : confirm.exceptions) except(exception);
  drop_spent_resends();
}

// A sink can only have what it was sent in this session; anything else it names is ignored.
void OutcomeProducer::stored(const ConfirmRange& range) {
  for (Rsn rsn = index_.first_from(range.first); rsn <= range.last && rsn < index_.end();
       rsn = index_.first_from(next(rsn))) {
    const Record& record = records_[index_.find(rsn)];
    if (!record.sent) {
      ++stats_.ignored;
      return;  // nothing behind it has been sent either, but for what was sent again
    }
    ++stats_.stored;
    finish(rsn, Code::ok, record.status);
  }
}

void OutcomeProducer::except(const ConfirmException& exception) {
  const std::uint32_t place = index_.find(exception.rsn);
  if (place == RsnIndex::kNone || !records_[place].sent) {
    ++stats_.ignored;
    return;
  }
  switch (exception.code) {
    case Code::duplicate:
      ++stats_.duplicates;
      finish(exception.rsn, Code::duplicate, exception.status);
      break;
    case Code::rejected:
    case Code::too_large:
      ++stats_.rejected;
      finish(exception.rsn, exception.code, Status::failed);
      break;
    default:
      defer(exception);
  }
}

// One that waits already goes on waiting, so that each is on the heap of resends once.
void OutcomeProducer::defer(const ConfirmException& exception) {
  Record& record = records_[index_.find(exception.rsn)];
  if (record.deferred) return;
  record.deferred = true;
  ++stats_.deferred;
  record.due = now_ + clamp_ms(exception.retry_ms, kDeferLeast, kDeferMost);
  schedule(record.due, exception.rsn, exception.rsn);
}

void OutcomeProducer::finish(Rsn rsn, Code code, Status status) {
  const std::uint32_t place = index_.find(rsn);
  Record& record = records_[place];
  out_.confirmed.push_back({record.cookie, code, status});
  retained_bytes_ -= record.bytes.size();
  --lineages_[record.lineage].outcomes;
  record.bytes = Slice{};
  record.sent = false;
  free_.push_back(place);
  index_.erase(rsn);
}

void OutcomeProducer::disconnected(Time now) {
  now_ = now;
  if (phase_ == Phase::opening || phase_ == Phase::open) lose();
}

void OutcomeProducer::advance(Time now) {
  now_ = now;
  switch (phase_) {
    case Phase::stopped:
      return;
    case Phase::closed:
      if (open_at_ <= now) open();
      return;
    case Phase::opening:
      if (heard_ + options_.timers.dead() <= now) lose();
      return;
    case Phase::open:
      break;
  }
  if (heard_ + dead_ <= now) {
    lose();
    return;
  }
  while (!resends_.empty() && resends_.front().at <= now) {
    due_.push_back(resends_.front());
    std::pop_heap(resends_.begin(), resends_.end(), Later{});
    resends_.pop_back();
  }
  if (spoke_ + heartbeat_ <= now) send(++count_, SinkBeat{});
}

std::optional<Time> OutcomeProducer::next_deadline() const {
  switch (phase_) {
    case Phase::stopped:
      return std::nullopt;
    case Phase::closed:
      return open_at_;
    case Phase::opening:
      return heard_ + options_.timers.dead();
    case Phase::open:
      break;
  }
  Time soonest = std::min(heard_ + dead_, spoke_ + heartbeat_);
  if (!resends_.empty()) soonest = std::min(soonest, resends_.front().at);
  return soonest;
}

void OutcomeProducer::send(std::uint64_t n, Message message) {
  spoke_ = now_;
  out_.sends.push_back({sid_, n, std::move(message)});
}

}  // namespace sluice::core
