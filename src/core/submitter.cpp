// submitter.cpp: a client's session: opening, silence, errors, questions.
// SPDX-License-Identifier: MIT
#include "core/submitter.hpp"

#include <algorithm>
#include <utility>

#include "core/assert.hpp"

namespace sluice::core {
namespace {

// Numbers of questions start far above those of SUBMITs, so that an ERROR, which names
// only a number, says which of the two went wrong.
constexpr std::uint64_t kFirstQuestion = 1ULL << 48;
constexpr std::size_t kMostQuestions = 1024;
// PROTOCOL section 7, CLOSED: "5: 60 s".
constexpr Duration kNotAuthorizedWait = std::chrono::seconds(60);
constexpr Duration kMostWait = std::chrono::seconds(60);  // longer is not believed

}  // namespace

Submitter::Submitter(SubmitterOptions options, const Boot& boot, std::uint64_t seed)
    : options_(std::move(options)),
      boot_(boot),
      random_(seed),
      backoff_(options_.reconnect_least, options_.reconnect_most),
      last_question_(kFirstQuestion) {}

void Submitter::start(Time now) {
  SLUICE_ASSERT(phase_ == Phase::idle);
  connect(now);
}

void Submitter::connect(Time now) {
  phase_ = Phase::opening;
  phase_until_ = now + Timers{}.dead();  // its own waits are not known before it has answered
  out_.link = Link::open;
  ClientOpen open;
  open.boot = boot_;
  open.name = options_.name;
  open.agent = options_.agent;
  out_.sends.push_back({Sid{}, ++try_, std::move(open)});
}

// The old socket goes at once; the new one comes after a jittered wait, or a ventilator that
// restarts would be met by all its clients in the same moment.
void Submitter::reconnect(Time now, Duration at_least) {
  const Duration wait = backoff_.next(random_);
  phase_ = Phase::waiting;
  phase_until_ = now + std::max(wait, at_least);
  sid_ = Sid{};
  out_.link = Link::close;
  out_.sends.clear();
  for (Batch& batch : batches_) batch.sent = false;
  unsent_from_ = 0;
  resend_at_ = Time::max();
  for (auto at = questions_.begin(); at != questions_.end();) {
    const auto question = at++;
    if (question->second.repeatable)
      question->second.sent = false;
    else if (question->second.sent)
      answer_question(question, Code::unknown_session, {}, {});
  }
}

void Submitter::link_lost(Time now) {
  if (phase_ == Phase::opening || phase_ == Phase::ready) reconnect(now);
}

void Submitter::try_again(Time now) {
  if (phase_ == Phase::opening) reconnect(now);
  if (phase_ == Phase::waiting) phase_until_ = now;
}

void Submitter::receive(const Envelope& in, Time now) {
  if (phase_ != Phase::opening && phase_ != Phase::ready) return;
  if (const auto* error = std::get_if<ErrorMessage>(&in.message)) {
    heard_ = now;
    on(in, *error, now);
    return;
  }
  if (const auto* opened = std::get_if<ClientOpened>(&in.message)) {
    on(in, *opened, now);
    return;
  }
  if (phase_ != Phase::ready || in.sid != sid_) return;  // of an earlier session
  heard_ = now;
  if (std::holds_alternative<Bye>(in.message)) {
    last_error_ = {Code::draining, "the ventilator has ended", 0, {}};
    reconnect(now);
    return;
  }
  if (const auto* confirm = std::get_if<SubmitConfirm>(&in.message)) {
    on(in, *confirm, now);
  } else if (const auto* beaten = std::get_if<ClientBeaten>(&in.message)) {
    take_limits(beaten->tasks_limit, beaten->bytes_limit);
    pump(now);
  } else if (const auto* reply = std::get_if<Reply>(&in.message)) {
    const auto at = questions_.find(in.n);
    if (at != questions_.end() && !at->second.is_cancel)
      answer_question(at, reply->code, reply->json, {});
  } else if (const auto* cancelled = std::get_if<CancelReply>(&in.message)) {
    const auto at = questions_.find(in.n);
    if (at != questions_.end() && at->second.is_cancel)
      answer_question(at, Code::ok, {}, cancelled->answers);
  }
}

void Submitter::on(const Envelope& in, const ClientOpened& opened, Time now) {
  if (phase_ != Phase::opening || in.n != try_) return;
  if (stats_.sessions > 0 && opened.log == opened_.log && opened.epoch < opened_.epoch) {
    last_error_ = {Code::stale_epoch, "an older start of the same ventilator answered", 0, {}};
    reconnect(now);
    return;
  }
  const bool other_log = stats_.sessions > 0 && opened.log != opened_.log;
  if (other_log) start_over();
  phase_ = Phase::ready;
  sid_ = in.sid;
  opened_ = opened;
  last_error_ = {};
  backoff_.reset();
  ++stats_.sessions;
  heard_ = said_ = now;
  const PeerTimers timers(opened.heartbeat_ms, opened.dead_ms);
  heartbeat_ = timers.heartbeat;
  dead_ = timers.dead;
  tasks_limit_ = opened.tasks_limit;
  bytes_limit_ = opened.bytes_limit;
  tasks_sent_ = bytes_sent_ = 0;
  send_questions(now);
  pump(now);
}

void Submitter::on(const Envelope& in, const ErrorMessage& error, Time now) {
  last_error_ = error;
  switch (error.code) {
    case Code::unknown_session:
    case Code::session_replaced:
    case Code::credit_exceeded:
    case Code::stale_epoch:
      reconnect(now);
      return;
    case Code::not_authorized:
      reconnect(now, kNotAuthorizedWait);
      return;
    default:
      break;
  }
  if (phase_ == Phase::opening) {  // it will not have us: busy, another version, not the primary
    reconnect(now, std::min(from_ms(error.retry_ms), kMostWait));
    return;
  }
  if (refuse_batch(in.n, error, now)) return;
  const auto at = questions_.find(in.n);
  if (at != questions_.end()) answer_question(at, error.code, error.text, {});
}

// Limits only grow; a message that was overtaken changes nothing.
void Submitter::take_limits(std::uint64_t tasks, std::uint64_t bytes) {
  tasks_limit_ = std::max(tasks_limit_, tasks);
  bytes_limit_ = std::max(bytes_limit_, bytes);
}

void Submitter::query(std::uint64_t cookie, Query query, Time deadline, Time now) {
  const bool repeatable = query.verb == "status";
  ask({cookie, false, std::move(query), false, deadline, repeatable}, now);
}

void Submitter::cancel(std::uint64_t cookie, std::vector<Seq> seqs, Time deadline, Time now) {
  ask({cookie, true, CancelTasks{std::move(seqs)}, false, deadline, false}, now);
}

void Submitter::ask(Question question, Time now) {
  const bool room = questions_.size() < kMostQuestions;
  const auto at = questions_.emplace(++last_question_, std::move(question)).first;
  if (!room)
    answer_question(at, Code::busy, {}, {});
  else if (phase_ == Phase::ready)
    send_questions(now);
}

void Submitter::send_questions(Time now) {
  for (auto& [n, question] : questions_) {
    if (question.sent) continue;
    question.sent = true;
    if (question.repeatable)
      send(n, std::get<Query>(question.message), now);
    else
      send(n, std::move(question.message), now);
  }
}

void Submitter::answer_question(std::map<std::uint64_t, Question>::iterator at, Code code,
                                std::string json, std::vector<CancelAnswer> answers) {
  if (at->second.is_cancel)
    out_.cancels.push_back({at->second.cookie, code, std::move(answers)});
  else
    out_.replies.push_back({at->second.cookie, code, std::move(json)});
  questions_.erase(at);
}

void Submitter::advance(Time now) {
  for (auto at = questions_.begin(); at != questions_.end();) {
    const auto question = at++;
    if (question->second.deadline <= now) answer_question(question, Code::expired, {}, {});
  }
  switch (phase_) {
    case Phase::idle:
      break;
    case Phase::waiting:
      if (now >= phase_until_) connect(now);
      break;
    case Phase::opening:
      if (now >= phase_until_) reconnect(now);
      break;
    case Phase::ready:
      if (now >= heard_ + dead_) {
        last_error_ = {Code::internal, "the ventilator fell silent", 0, {}};
        reconnect(now);
        break;
      }
      if (hold_until_ && now >= *hold_until_) {
        hold_until_.reset();
        pump(now);
      }
      resend_due(now);
      if (now >= said_ + heartbeat_) send(++beats_, ClientBeat{}, now);
      break;
  }
}

std::optional<Time> Submitter::next_deadline() const {
  Time earliest = Time::max();
  for (const auto& [n, question] : questions_) earliest = std::min(earliest, question.deadline);
  if (phase_ == Phase::waiting || phase_ == Phase::opening)
    earliest = std::min(earliest, phase_until_);
  if (phase_ == Phase::ready) {
    earliest = std::min({earliest, heard_ + dead_, said_ + heartbeat_, resend_at_});
    if (hold_until_) earliest = std::min(earliest, *hold_until_);
  }
  if (earliest == Time::max()) return std::nullopt;
  return earliest;
}

void Submitter::send(std::uint64_t n, Message message, Time now) {
  said_ = now;
  out_.sends.push_back({sid_, n, std::move(message)});
}

Submitter::Effects Submitter::take_effects() {
  out_.log = opened_.log;
  return std::exchange(out_, Effects{});
}

void Submitter::recycle(Effects&& effects) {
  for (Envelope& spent : effects.sends) pool_.give_back(std::move(spent.message));
  effects.sends.clear();
  effects.answers.clear();
  constexpr std::size_t kSpare = 64;
  for (std::vector<Held>& tasks : spent_) {
    tasks.clear();
    if (spare_.size() < kSpare) spare_.push_back(std::move(tasks));
  }
  spent_.clear();
  if (out_.sends.empty()) out_.sends = std::move(effects.sends);
  if (out_.answers.empty()) out_.answers = std::move(effects.answers);
}

}  // namespace sluice::core
