// ventilator_loop.cpp: wait, take in, decide, send: a turn, again and again.
// SPDX-License-Identifier: MIT
#include "net/ventilator_loop.hpp"

#include <algorithm>
#include <set>
#include <utility>

#include <sluice/error.hpp>

#include "monitor/status_json.hpp"
#include "net/clock.hpp"
#include "net/entropy.hpp"
#include "net/identity.hpp"
#include "net/signals.hpp"

namespace sluice::net {
namespace {

constexpr int kMaxMessagesPerTurn = 256;
constexpr core::Duration kRetrySends = std::chrono::milliseconds(5);
constexpr std::size_t kMostWaitingSends = 65'536;
// A BYE is said once, and whoever misses it tries to reconnect for ever.
constexpr std::chrono::milliseconds kLastWords(300);

constexpr std::uint64_t kMostTasksInJournal = 100'000'000;

core::DispatcherOptions core_options(const VentilatorOptions& options) {
  core::DispatcherOptions out;
  out.name = options.name.empty() ? default_name() : options.name;
  out.timers.heartbeat = options.heartbeat;
  out.frame.max_frame = options.max_frame;
  out.retry.max_attempts = options.max_attempts;
  out.retry.max_losses = options.max_losses;
  out.retry.backoff = options.backoff;
  out.retry.backoff_most = options.backoff_most;
  out.grace_least = options.grace_least;
  out.grace_most = options.grace_most;
  out.sinks = options.sinks;
  if (!options.journal.empty()) out.max_tasks = kMostTasksInJournal;
  if (options.max_tasks > 0) out.max_tasks = options.max_tasks;
  out.max_bytes = options.max_bytes;
  out.max_lanes = options.max_lanes;
  return out;
}

}  // namespace

VentilatorLoop::VentilatorLoop(const VentilatorOptions& options)
    : options_(options),
      limits_{.max_frame = options.max_frame},
      log_(random_id<core::Log>()),
      context_(Context::shared()),
      frames_(FramePool::make()),
      codec_(wire::Role::ventilator, limits_),
      inbox_(wake_),
      frame_(frames_) {
  core::Dispatcher::Identity identity;
  identity.epoch = core::Epoch{1};  // in memory: a new log at each start
  core::DispatcherOptions of_core = core_options(options_);
  if (!options_.journal.empty()) {
    store::JournalOwner owner;
    if (options_.takeover) {
      ownership_ = options_.takeover->ownership;
      owner.lock = options_.takeover->lock;
    }
    owner.locked = [this] {
      if (!ownership_) ownership_ = Ownership::claim_locked(options_);
    };
    owner.before_write = [this] { ownership_->check(); };
    journal_.emplace(options_, log_, std::move(owner));
    ownership_->begin_epoch(core::raw(journal_->facts().epoch));
    log_ = journal_->facts().log;
    identity.epoch = journal_->facts().epoch;
    of_core.journal = true;
    of_core.wall_at_zero = journal_->wall_at_zero();
  }
  identity.log = log_;
  identity.inc = random_id<core::Incarnation>();
  identity.boot = random_id<core::Boot>();
  core_.emplace(std::move(of_core), identity, random_u64());
  if (journal_) journal_->restore_into(*core_, Clock::now());
  unsettled_ = core_->unsettled();  // nobody is to take what is restored for settled
  has_room_ = core_->has_room();
  for (const std::string& sink : options_.sinks)
    sinks_.push_back(std::make_unique<OutgoingLink>(context_, Endpoint::parse(sink),
                                                    wire::Role::producer, limits_, frames_));
  router_.emplace(context_, Endpoint::parse(options_.bind), limits_.max_frame);
  advertised_ = advertised_endpoint(router_->endpoint(), options_.advertise).text();
  if (journal_) ownership_->listens_at(advertised_, options_.sinks);
  lane_host_ = lane_host(router_->endpoint());
  tell_lane_host_ = router_->endpoint().transport != Endpoint::Transport::tcp;
  ports_.emplace(options_.lane_port_first, options_.lane_port_last,
                 core_options(options_).timers.reclaim() * 2, random_u64());
  started_ = Clock::now();
  const SignalsBlocked blocked;
  thread_ = std::thread([this] { run(); });
}

VentilatorLoop::~VentilatorLoop() { stop(); }

std::vector<std::string> VentilatorLoop::standbys() {
  std::vector<std::string> out;
  if (!ownership_) return out;
  for (const store::OwnerRecord& one : ownership_->standbys()) out.push_back(one.control);
  return out;
}

void VentilatorLoop::check_ownership() {
  if (ownership_) ownership_->check();
}

void VentilatorLoop::run() {
  try {
    for (;;) {
      {
        const std::scoped_lock lock(mutex_);
        if (stop_asked_) break;
      }
      turn();
    }
    journal_ ? journal_->write_rest(*core_, Clock::now()) : say_bye();
  } catch (...) {
    const std::scoped_lock lock(mutex_);
    failure_ = std::current_exception();
  }
  inbox_.close();
  const std::scoped_lock lock(mutex_);
  ended_ = true;
  calls_.clear();  // those who wait see `ended_`
  changed_.notify_all();
}

// Whoever is told BYE hangs up. Who closes first, with something unread, makes the kernel of the
// other side throw away what it has not read yet, BYE included.
void VentilatorLoop::say_bye() {
  const core::Time until = Clock::now() + kLastWords;
  router_->send_queued_at_end(kLastWords);
  core_->say_bye(Clock::now());
  core::DispatcherEffects last = core_->take_effects(Clock::now());
  std::set<core::PeerId> listening;
  for (const auto& send : last.to_peers) {
    send_to_peer(send.peer, send.envelope, Clock::now());
    listening.insert(send.peer);
  }
  while (!listening.empty() && Clock::now() < until) {
    poll_.clear();
    router_->watch(poll_);
    poll_.wait(until);
    while (router_->receive()) continue;
    while (const auto gone = router_->next_departed()) listening.erase(*gone);
  }
}

// One turn of the loop. The order is the point: everything that came in is decided on
// before anything is sent, and the messages of a turn point into the core's memory, which
// the next input may change.
void VentilatorLoop::turn() {
  wait();
  const core::Time now = Clock::now();  // read once: a turn happens at one instant
  receive(now);
  // What a worker said before it went has been heard by now.
  while (const auto gone = router_->next_departed()) core_->peer_gone(*gone, now);
  receive_from_sinks(now);
  take_submits_and_calls(now);
  core_->advance(now);

  core::DispatcherEffects effects = core_->take_effects(now);
  // A worker's word is no proof, but a reason to ask.
  if (ownership_ && effects.later_life_heard) ownership_->check_now();
  if (journal_) journal_->keep(effects, *core_, now);
  publish(now);  // before the sends: whoever hears of a confirm finds its task counted
  perform(effects, now);
  core_->recycle(std::move(effects));
  retry_sends(now);
  if (journal_ && journal_->tidy(now)) more_to_do_ = true;
}

void VentilatorLoop::wait() {
  poll_.clear();
  router_->watch(poll_);
  poll_.watch_fd(wake_.fd());
  for (auto& sink : sinks_) sink->watch(poll_);
  std::optional<core::Time> deadline = core_->next_deadline();
  const auto sooner = [&deadline](core::Time at) {
    if (!deadline || at < *deadline) deadline = at;
  };
  if (journal_) sooner(journal_->next_deadline());
  if (lanes_waiting_ > 0 || !waiting_sends_.empty()) sooner(Clock::now() + kRetrySends);
  wake_.going_to_sleep();
  bool busy = std::exchange(more_to_do_, false) || inbox_.has_work();
  {
    const std::scoped_lock lock(mutex_);
    busy = busy || stop_asked_ || !calls_.empty();
  }
  if (busy) sooner(core::Time{});
  poll_.wait(deadline);
  wake_.awake();
}

void VentilatorLoop::receive(core::Time now) {
  for (int i = 0; i < kMaxMessagesPerTurn; ++i) {
    const auto in = router_->receive();
    if (!in) return;
    if (core_->ignores(in->from, now)) continue;
    if (in->extra_frames > 0) {
      core_->bad_frame(in->from, core::Code::bad_frame, 0, "a message must be one frame", now);
      continue;
    }
    wire::DecodeError error;
    auto envelope = codec_.decode(in->frame, pool_, error);
    if (!envelope) {
      core_->bad_frame(in->from, error.code, error.n, error.what, now);
      continue;
    }
    core_->receive(in->from, *envelope, now);
    pool_.give_back(std::move(envelope->message));
  }
  more_to_do_ = true;
}

void VentilatorLoop::receive_from_sinks(core::Time now) {
  for (std::size_t i = 0; i < sinks_.size(); ++i) {
    const auto heard = sinks_[i]->hear(
        pool_, kMaxMessagesPerTurn,
        [&](const core::Envelope& envelope) { core_->receive_from_sink(i, envelope, now); });
    more_to_do_ = more_to_do_ || heard.more;
    if (heard.cut) core_->sink_disconnected(i, now);
  }
}

void VentilatorLoop::take_submits(core::Time now) {
  inbox_.fetch([&](core::Seq seq, std::string_view type, const core::SubmitEntry& entry) {
    core_->submit(seq, type, entry, now);
  });
  if (inbox_.wants_numbers()) give_numbers();
}

void VentilatorLoop::give_numbers() {
  for (const std::uint32_t count : {16'384U, 1024U, 64U, 1U}) {
    const auto first = core_->reserve(count);
    if (!first) continue;
    return inbox_.add_numbers(*first, count);
  }
  inbox_.no_numbers();
}

void VentilatorLoop::perform(core::DispatcherEffects& effects, core::Time now) {
  for (const std::size_t i : effects.close_sinks) sinks_[i]->close();
  for (const std::size_t i : effects.open_sinks) sinks_[i]->open();
  for (const auto& send : effects.to_peers) send_to_peer(send.peer, send.envelope, now);
  for (const auto& send : effects.to_lanes) send_to_lane(send.sid, send.envelope);
  for (const auto& send : effects.to_sinks) sinks_[send.sink]->send(send.envelope);
  for (const core::Sid sid : effects.close_lanes) close_lane(sid, now);
  open_lanes(effects, now);
  answer_questions(effects, now);
}

void VentilatorLoop::open_lanes(core::DispatcherEffects& effects, core::Time now) {
  more_to_do_ = more_to_do_ || !effects.open_lanes.empty();
  for (const auto& wish : effects.open_lanes) {
    auto lane = LanePush::open(context_, lane_host_, *ports_, now);
    if (!lane) {
      core_->lane_failed(wish.sid, now);
      continue;
    }
    const std::uint16_t port = lane->port();
    lanes_.emplace(wish.sid, Lane{std::move(*lane), {}});
    core_->lane_opened(wish.sid, port, tell_lane_host_ ? std::optional(lane_host_) : std::nullopt,
                       now);
  }
}

void VentilatorLoop::answer_questions(core::DispatcherEffects& effects, core::Time now) {
  for (const auto& question : effects.questions) {
    core::Reply reply;
    if (question.query.verb == "status") {
      reply.json = status_text(now);
    } else {
      reply.code = core::Code::bad_type;
      reply.json = R"({"error":"this ventilator knows the query \"status\" only"})";
    }
    send_to_peer(question.peer, core::Envelope{question.sid, question.n, std::move(reply)}, now);
  }
}

void VentilatorLoop::send_to_peer(core::PeerId peer, const core::Envelope& envelope,
                                  core::Time now) {
  wire::Codec::encode(envelope, frame_.buffer());
  switch (router_->send(peer, frame_)) {
    case SendResult::sent:
      return;
    case SendResult::unreachable:
      peer_gone(peer, now);
      return;
    case SendResult::again:
      ++sends_retried_;
      if (waiting_sends_.size() >= kMostWaitingSends) {  // it has not read for very long
        peer_gone(peer, now);
        return;
      }
      waiting_sends_.push_back({peer, std::move(frame_)});
      frame_ = OutFrame(frames_);
  }
}

// Found out while sending: what the core makes of it is done in the next turn, at once.
void VentilatorLoop::peer_gone(core::PeerId peer, core::Time now) {
  core_->peer_gone(peer, now);
  more_to_do_ = true;
}

void VentilatorLoop::send_to_lane(core::Sid sid, const core::Envelope& envelope) {
  const auto at = lanes_.find(sid);
  if (at == lanes_.end()) return;  // closed in this turn; its leases went elsewhere
  Lane& lane = at->second;
  wire::Codec::encode(envelope, frame_.buffer());
  if (lane.waiting.empty() && lane.push.send(frame_) == SendResult::sent) return;
  if (lane.waiting.empty()) ++lanes_waiting_;
  lane.waiting.push_back(std::move(frame_));  // bounded by the worker's credit
  frame_ = OutFrame(frames_);
}

void VentilatorLoop::close_lane(core::Sid sid, core::Time now) {
  const auto at = lanes_.find(sid);
  if (at == lanes_.end()) return;
  if (!at->second.waiting.empty()) --lanes_waiting_;
  const std::uint16_t port = at->second.push.port();
  lanes_.erase(at);
  ports_->give_back(port, now);
}

// What could not be sent is tried again: libzmq has no event that tells when it can.
void VentilatorLoop::retry_sends(core::Time now) {
  if (lanes_waiting_ > 0) {
    for (auto& [sid, lane] : lanes_) {
      if (lane.waiting.empty()) continue;
      while (!lane.waiting.empty() && lane.push.send(lane.waiting.front()) == SendResult::sent)
        lane.waiting.pop_front();
      if (lane.waiting.empty()) --lanes_waiting_;
    }
  }
  // Each peer's messages keep their order: the first one that must wait holds back the rest.
  std::vector<core::PeerId> blocked;
  for (std::size_t left = waiting_sends_.size(); left > 0; --left) {
    WaitingSend waiting = std::move(waiting_sends_.front());
    waiting_sends_.pop_front();
    const bool is_blocked =
        std::find(blocked.begin(), blocked.end(), waiting.peer) != blocked.end();
    const SendResult result =
        is_blocked ? SendResult::again : router_->send(waiting.peer, waiting.frame);
    if (result == SendResult::unreachable) peer_gone(waiting.peer, now);
    if (result != SendResult::again) continue;
    if (!is_blocked) blocked.push_back(waiting.peer);
    waiting_sends_.push_back(std::move(waiting));
  }
}

void VentilatorLoop::publish(core::Time now) {
  const core::DispatcherCounters& counters = core_->counters();
  submitted_rate_.sample(counters.submitted, now);
  settled_rate_.sample(
      counters.settled[0] + counters.settled[1] + counters.settled[2] + counters.settled[3], now);
  workers_.store(core_->worker_count(), std::memory_order_relaxed);
  const std::scoped_lock lock(mutex_);
  unsettled_ = core_->unsettled();
  for (Call* call : answered_) call->done = true;
  if (!answered_.empty()) changed_.notify_all();
  answered_.clear();
  has_room_ = core_->has_room();
  if (unsettled_ == 0 || (has_room_ && room_waiters_ > 0)) changed_.notify_all();
}

std::string VentilatorLoop::status_text(core::Time now) {
  const core::DispatcherStatus status = core_->status(now);
  std::uint64_t settled = 0;
  for (const std::uint64_t count : status.counters.settled) settled += count;
  monitor::ShellStatus shell;
  shell.name = core_options(options_).name;
  shell.endpoint = advertised_;
  shell.up_s = std::chrono::duration<double>(now - started_).count();
  shell.settled_per_s = settled_rate_.per_second(settled, now);
  shell.submitted_per_s = submitted_rate_.per_second(status.counters.submitted, now);
  shell.multipart_dropped = router_->counters().multipart;
  shell.foreign_ids_dropped = router_->counters().foreign_ids;
  shell.sends_retried = sends_retried_;
  shell.standbys = standbys();
  if (journal_) {
    const JournalKeeper::Status journal = journal_->status();
    shell.journal = {journal.folder,      journal.sync,
                     journal.trouble,     journal.stats.file_bytes + journal.stats.wal_bytes,
                     journal.stats.turns, journal.stats.syncs};
  }
  return monitor::status_json(status, shell);
}

}  // namespace sluice::net
