// client_loop.cpp: wait, take in, decide, send: a turn, again and again.
// SPDX-License-Identifier: MIT
#include "net/client_loop.hpp"

#include <algorithm>
#include <limits>
#include <utility>

#include <sluice/access.hpp>
#include <sluice/error.hpp>

#include "net/clock.hpp"
#include "net/endpoint.hpp"
#include "net/entropy.hpp"
#include "net/identity.hpp"
#include "net/signals.hpp"
#include "wire/limits.hpp"

namespace sluice::net {
namespace {

constexpr int kMaxMessagesPerTurn = 256;

core::SubmitterOptions core_options(const ClientOptions& options, const AddressList& addresses) {
  core::SubmitterOptions out;
  // Half of the attempts go to who stands by.
  if (addresses.size() > 1) out.reconnect_most = std::chrono::seconds(2);
  out.name = options.name.empty() ? default_name() : options.name;
  // The inbox holds callers back; what it has let through always fits.
  out.max_unconfirmed = std::numeric_limits<std::uint64_t>::max();
  out.max_unconfirmed_bytes = std::numeric_limits<std::uint64_t>::max();
  return out;
}

std::string reason(core::Code code) {
  switch (code) {
    case core::Code::too_large:
      return "the payload is larger than the ventilator takes";
    case core::Code::draining:
      return "the ventilator takes no more tasks";
    case core::Code::bad_frame:
      return "the ventilator does not accept its type or key";
    case core::Code::unknown_task_type:
      return "the ventilator knows too many types already";
    default:
      return "the ventilator refused it (code " + std::to_string(core::raw(code)) + ")";
  }
}

}  // namespace

ClientLoop::ClientLoop(const ClientOptions& options, Client::OnConfirm on_confirm)
    : access_watch_(options.access_file),
      addresses_(options.connect),
      patience_(options.reconnect_timeout),
      on_confirm_(std::move(on_confirm)),
      frames_(FramePool::make()),
      core_(core_options(options, addresses_), random_id<core::Boot>(), random_u64()),
      link_(Context::shared(), addresses_.first(), wire::Role::client, wire::widest_limits(),
            frames_),
      sinks_(core_options(options, addresses_).name, frames_, [this] { inbox_.told(); }),
      inbox_(options.max_unconfirmed, options.max_unconfirmed_bytes, options.max_awaited) {
  const SignalsBlocked blocked;
  thread_ = std::thread([this] { run(); });
}

ClientLoop::~ClientLoop() { stop(); }

void ClientLoop::run() {
  inbox_.belongs_here();
  try {
    core_.start(Clock::now());
    perform(Clock::now());
    for (;;) {
      {
        const std::scoped_lock lock(mutex_);
        if (stop_asked_) break;
      }
      turn();
    }
  } catch (...) {
    const std::scoped_lock lock(mutex_);
    failure_ = std::current_exception();
  }
  try {
    end();
  } catch (...) {  // a callback broke, and those behind it hear nothing
    const std::scoped_lock lock(mutex_);
    if (!failure_) failure_ = std::current_exception();
  }
  const std::scoped_lock lock(mutex_);
  ended_ = true;
  session_.now = false;
  changed_.notify_all();
}

// Everybody who waits is told, those too whose task has not even left.
void ClientLoop::end() {
  link_.close();
  inbox_.close();
  inbox_.fetch([this](const core::NewTask& task, ClientInbox::OnOutcome on_outcome) {
    if (on_outcome) sinks_.expect(task.cookie, std::move(on_outcome));
  });
  std::string why = "the client was closed before the outcome came";
  try {
    rethrow_failure();
  } catch (const std::exception& failure) {
    why = failure.what();
  } catch (...) {
    why = "a callback threw something that is no std::exception";
  }
  sinks_.close(why);
}

// One turn of the loop: what came in is decided on before anything is sent, because messages
// of a turn point into the core's memory, which the next input may change.
void ClientLoop::turn() {
  wait();
  const core::Time now = Clock::now();  // read once: a turn happens at one instant
  const auto heard = link_.hear(pool_, kMaxMessagesPerTurn, [&](const core::Envelope& envelope) {
    core_.receive(envelope, now);
  });
  if (heard.cut) core_.link_lost(now);
  if (core_.stats().sessions != sessions_) {
    sessions_ = core_.stats().sessions;
    sinks_.ventilator_is(core_.opened(), now);
  }
  sinks_.receive(now);
  take_questions(now);
  inbox_.fetch([&](const core::NewTask& task, ClientInbox::OnOutcome on_outcome) {
    if (on_outcome) sinks_.expect(task.cookie, std::move(on_outcome));
    if (core_.submit(task, now) == core::Submitter::Taken::yes) return;
    tell({task.cookie, core::Code::too_large, core::Seq{}}, core::Log{}, now);
  });
  // Only now: what was put in and forgotten since the last turn is known here.
  for (const std::uint64_t ticket : to_forget_) sinks_.forget(ticket);
  to_forget_.clear();
  core_.advance(now);

  perform(now);
  sinks_.advance(now);
  sinks_.perform(now);
  publish();
  look_for_ventilator(now);
}

void ClientLoop::wait() {
  poll_.clear();
  link_.watch(poll_);
  sinks_.watch(poll_);
  poll_.watch_fd(wake_.fd());
  std::optional<core::Time> deadline = core_.next_deadline();
  if (const auto at = sinks_.next_deadline(); at && (!deadline || *at < *deadline)) deadline = at;
  if (away_since_) {
    const auto look = access_watch_.next_look(Clock::now());
    if (look) deadline = std::min(deadline.value_or(*look), *look);
  }
  if (const auto at = patience_ends(); at && (!deadline || *at < *deadline)) deadline = at;
  wake_.going_to_sleep();
  bool busy = inbox_.has_work();
  {
    const std::scoped_lock lock(mutex_);
    busy = busy || stop_asked_ || !questions_.empty() || !forgotten_.empty();
  }
  if (busy) deadline = core::Time{};
  poll_.wait(deadline);
  wake_.awake();
}

// A standby has named the active one, or it is the next one's turn.
Endpoint ClientLoop::where_to_try() {
  const core::ErrorMessage& said = core_.last_error();
  const bool named = said.code == core::Code::not_primary && said.endpoint &&
                     std::exchange(named_, *said.endpoint) != *said.endpoint;
  if (!named) named_.clear();
  if (named) {
    try {
      Endpoint active = Endpoint::parse(*said.endpoint);
      active.require_connectable();
      return active;
    } catch (const Error&) {  // a peer may name anything
    }
  }
  return addresses_.next();
}

void ClientLoop::take_questions(core::Time now) {
  std::vector<Question> asked;
  {
    const std::scoped_lock lock(mutex_);
    asked.swap(questions_);
    to_forget_.swap(forgotten_);
  }
  for (Question& question : asked) {
    const core::Time deadline = now + question.timeout;
    if (question.query)
      core_.query(question.cookie, std::move(*question.query), deadline, now);
    else
      core_.cancel(question.cookie, std::move(question.seqs), deadline, now);
  }
}

void ClientLoop::perform(core::Time now) {
  core::Submitter::Effects effects = core_.take_effects();
  if (effects.link == core::Submitter::Link::close) link_.close();
  if (effects.link == core::Submitter::Link::open) {
    link_.set_endpoint(where_to_try());
    link_.open();
  }
  for (const core::Envelope& envelope : effects.sends) link_.send(envelope);
  for (const core::SubmitAnswer& answer : effects.answers) tell(answer, effects.log, now);
  if (!effects.replies.empty() || !effects.cancels.empty()) {
    const std::scoped_lock lock(mutex_);
    for (core::QueryAnswer& reply : effects.replies)
      answers_[reply.cookie].reply = std::move(reply);
    for (core::CancelDone& done : effects.cancels)
      answers_[done.cookie].cancelled = std::move(done);
    changed_.notify_all();
  }
  core_.recycle(std::move(effects));
}

void ClientLoop::tell(const core::SubmitAnswer& answer, const core::Log& log, core::Time now) {
  inbox_.answered(answer.cookie);
  confirmation_.ticket = answer.cookie;
  confirmation_.id = {};
  confirmation_.why.clear();
  switch (answer.code) {
    case core::Code::ok:
    case core::Code::duplicate:
      confirmation_.kind =
          answer.code == core::Code::ok ? Confirmation::Kind::taken : Confirmation::Kind::duplicate;
      confirmation_.id = {log, core::raw(answer.seq)};
      break;
    case core::Code::conflict:
      confirmation_.kind = Confirmation::Kind::conflict;
      confirmation_.why = "its key belongs to a task with another type or payload";
      break;
    default:
      confirmation_.kind = Confirmation::Kind::refused;
      confirmation_.why = reason(answer.code);
  }
  if (on_confirm_) on_confirm_(confirmation_);
  sinks_.answered(answer, log, confirmation_.why, now);
}

// When a ventilator that was there has been away for too long.
std::optional<core::Time> ClientLoop::patience_ends() const {
  if (!away_since_ || patience_.count() <= 0) return std::nullopt;
  core::Duration patience = patience_;
  if (core_.last_error().code == core::Code::draining)
    patience = std::min(patience, core::from_ms(core_.opened().dead_ms));
  return *away_since_ + patience;
}

// Without a ventilator the client would try for ever; the access file may tell that it is gone.
// Before the first session that is the constructor's to say.
void ClientLoop::look_for_ventilator(core::Time now) {
  if (core_.ready() || core_.stats().sessions == 0)
    away_since_.reset();
  else if (!away_since_)
    away_since_ = now;
  if (const auto end = patience_ends(); end && now >= *end)
    throw Error("the ventilator at " + addresses_.text() +
                (core_.last_error().code == core::Code::draining
                     ? " has ended, and no other has taken its place"
                     : " has been away for " + std::to_string(patience_.count()) + " ms") +
                "; nobody knows what becomes of tasks whose outcome has not come");
  const auto gone = access_watch_.look(away_since_.has_value(), core_.opened().log, now);
  const auto found = access_watch_.take_found();
  if (found && addresses_.learn(*found)) {
    core_.try_again(now);
    wake_.signal();
  }
  if (gone) throw Error(*gone);
}

void ClientLoop::publish() {
  inbox_.publish(core_.stats().unconfirmed, core_.stats().unconfirmed_bytes);
  const bool ready = core_.ready();
  const std::scoped_lock lock(mutex_);
  if (ready == session_.now && ready && session_.log == core_.opened().log) return;
  session_.now = ready;
  if (!ready) {
    session_.trouble =
        core_.last_error().code != core::Code::ok ? core_.last_error().text : link_.error();
    return;
  }
  addresses_.reached(link_.endpoint());
  session_.ever = true;
  session_.log = core_.opened().log;
  session_.durable = core_.opened().durable;
  const std::uint64_t frame = core_.opened().max_frame;
  constexpr std::uint64_t margin = wire::Limits::kPayloadMargin;
  max_payload_.store(frame > margin ? frame - margin : 0, std::memory_order_relaxed);
  session_.trouble.clear();
  changed_.notify_all();
}

bool ClientLoop::wait_connected(std::chrono::milliseconds timeout) {
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, timeout, [&] { return session_.ever || ended_; });
  return session_.ever;
}

ClientLoop::Session ClientLoop::session() const {
  const std::scoped_lock lock(mutex_);
  return session_;
}

core::QueryAnswer ClientLoop::query(core::Query query, std::chrono::milliseconds timeout) {
  Question question;
  question.query = std::move(query);
  question.timeout = timeout;
  return ask(std::move(question)).reply;
}

core::CancelDone ClientLoop::cancel(std::vector<core::Seq> seqs,
                                    std::chrono::milliseconds timeout) {
  Question question;
  question.seqs = std::move(seqs);
  question.timeout = timeout;
  return ask(std::move(question)).cancelled;
}

// The core answers every question by its deadline, so this wait needs none of its own.
ClientLoop::Answer ClientLoop::ask(Question question) {
  if (inbox_.is_loops_thread())
    throw Error("a callback cannot wait for an answer: ask from another thread");
  std::unique_lock lock(mutex_);
  const std::uint64_t cookie = ++last_cookie_;
  question.cookie = cookie;
  questions_.push_back(std::move(question));
  lock.unlock();
  wake_.signal();
  lock.lock();
  changed_.wait(lock, [&] { return ended_ || answers_.count(cookie) > 0; });
  const auto at = answers_.find(cookie);
  if (at == answers_.end()) {
    if (failure_) std::rethrow_exception(failure_);
    throw Error("the client was stopped before the answer came");
  }
  Answer answer = std::move(at->second);
  answers_.erase(at);
  return answer;
}

void ClientLoop::forget(std::uint64_t ticket) {
  {
    const std::scoped_lock lock(mutex_);
    forgotten_.push_back(ticket);
  }
  wake_.signal();
}

void ClientLoop::stop() {
  {
    const std::scoped_lock lock(mutex_);
    stop_asked_ = true;
  }
  wake_.signal();
  if (thread_.joinable()) thread_.join();
}

void ClientLoop::rethrow_failure() const {
  const std::scoped_lock lock(mutex_);
  if (failure_) std::rethrow_exception(failure_);
}

}  // namespace sluice::net
