// runner_session.cpp: a worker's session: HELLO, WELCOME, INVENTORY, VERDICT, and its end.
// SPDX-License-Identifier: MIT
#include <algorithm>
#include <utility>

#include "core/runner.hpp"

namespace sluice::core {
namespace {

constexpr std::size_t kInventoryChunk = 16384;
constexpr Duration kRefusedWait = 60s;  // after NOT_AUTHORIZED, or when one is not listened to
constexpr Duration kMostWait = 60s;

HeldState inventory_state(TaskPhase phase) {
  switch (phase) {
    case TaskPhase::queued:
      return HeldState::queued;
    case TaskPhase::pooled:  // not taken back when the pool was frozen, so an executor has it
    case TaskPhase::running:
      return HeldState::running;
    case TaskPhase::unconfirmed:
      return HeldState::unconfirmed;
    case TaskPhase::ack_open:
      return HeldState::ack_open;
    case TaskPhase::nack_open:
      break;
  }
  return HeldState::nack_open;
}

}  // namespace

void Runner::open() {
  phase_ = Phase::hello;
  sid_ = Sid{};
  heard_ = now_;
  out_.open_control = true;
  out_.endpoint = std::exchange(endpoint_, {});  // for one attempt: it may be gone by then
  Hello hello;
  hello.boot = boot_;
  hello.name = options_.name;
  hello.agent = options_.agent;
  hello.types = options_.types;
  hello.slots = options_.slots;
  hello.lanes = lanes_;
  hello.flags = options_.silent_while_busy ? kSilentWhileBusy : 0;
  hello.previous = previous_;
  send(++tries_, std::move(hello));
}

void Runner::try_again(Time now) {
  if (!enter(now)) return;
  if (phase_ == Phase::hello) lose("the ventilator is said to be elsewhere");
  if (phase_ == Phase::closed) open_at_ = now_;
}

// What is queued stays, but does not start; what runs goes on; what is open is told again.
void Runner::lose(const std::string& why, Duration at_least) {
  if (phase_ == Phase::ready || phase_ == Phase::reconcile) ++stats_.lost_sessions;
  trouble_ = why;
  phase_ = Phase::closed;
  frozen_ = true;
  out_.close_control = true;
  out_.open_control = false;
  out_.control.clear();
  if (lane_) out_.close_lane = true;
  out_.open_lane.reset();
  lane_.reset();
  acks_.end_session();
  state_due_ = false;
  open_at_ = now_ + std::max({backoff_.next(random_), at_least, Duration(1)});
}

void Runner::welcome(const Envelope& in, const Welcome& welcome) {
  if (phase_ != Phase::hello || in.n != tries_) {
    ++stats_.ignored;  // the answer to another try, or the same one twice (case 14)
    return;
  }
  if (!accepts(welcome)) return;
  adopt(in, welcome);
  send_inventory();
}

// Rule 11: of two ventilators on one log the later epoch counts, and of two with the same epoch
// the first one. Our HELLO has told the other what we know.
bool Runner::accepts(const Welcome& welcome) {
  if (!knows_log_ || welcome.log != log_) return true;
  const bool stale = welcome.epoch < epoch_;
  const bool split = welcome.epoch == epoch_ && welcome.inc != inc_;
  if (!stale && !split) return true;
  ++stats_.errors;
  lose(stale ? "this ventilator has been replaced by a later one"
             : "two ventilators hold the same log",
       options_.reconnect_most);
  return false;
}

void Runner::adopt(const Envelope& in, const Welcome& welcome) {
  if (knows_log_ && welcome.log != log_) orphan_everything();
  phase_ = Phase::reconcile;
  knows_log_ = true;
  log_ = welcome.log;
  epoch_ = welcome.epoch;
  inc_ = welcome.inc;
  sid_ = in.sid;
  previous_ = PreviousSession{log_, epoch_, sid_};
  const PeerTimers timers(welcome.heartbeat_ms, welcome.dead_ms);
  heartbeat_ = timers.heartbeat;
  dead_ = timers.dead;
  fence_ = std::clamp<Duration>(from_ms(welcome.fence_ms), dead_, Timers::kMostHeartbeat * 40);
  frame_.max_frame = std::max<std::uint64_t>(welcome.max_frame, 128ULL << 10);
  frame_.max_entries = std::clamp<std::uint64_t>(welcome.max_entries, 1, FrameLimits{}.max_entries);
  heard_ = now_;
  lane_rx_ = void_n_ = states_ = ping_echo_ = 0;
  lane_ = welcome.lane;
  out_.open_lane = lane_;
  credit_.begin_session();
  set_sinks(welcome.sinks);
  ++stats_.sessions;
}

// A ventilator with another log knows nothing of what we hold. What has not started is let
// go of; the rest is, as soon as it has come to an end.
void Runner::orphan_everything() {
  held_.for_each([this](TaskHandle handle, Held& task) {
    switch (task.phase) {
      case TaskPhase::running:
        out_.cancels.push_back(handle);
        task.orphaned = true;
        return;
      case TaskPhase::pooled:
      case TaskPhase::unconfirmed:
        task.orphaned = true;
        return;
      case TaskPhase::queued:
      case TaskPhase::ack_open:
      case TaskPhase::nack_open:
        held_.erase(handle);
        return;
    }
  });
}

void Runner::send_inventory() {
  Inventory chunk;
  chunks_ = 0;
  held_.for_each([&](TaskHandle, const Held& task) {
    if (task.orphaned) return;
    if (chunk.held.size() == kInventoryChunk) {
      chunk.last = false;
      send(++chunks_, std::exchange(chunk, Inventory{}));
    }
    chunk.held.push_back({task.seq, task.lease, inventory_state(task.phase)});
  });
  send(++chunks_, std::move(chunk));
}

void Runner::verdicts(const Envelope& in, const Verdicts& verdicts) {
  if (phase_ != Phase::reconcile) {
    ++stats_.ignored;
    return;
  }
  if (!verdicts.entries.empty()) {
    const auto known = held_.by_seq();
    for (const VerdictEntry& entry : verdicts.entries) {
      auto at = std::lower_bound(known.begin(), known.end(), entry.seq,
                                 [](const auto& a, Seq seq) { return a.first < seq; });
      for (; at != known.end() && at->first == entry.seq; ++at) verdict(at->second, entry);
    }
  }
  if (in.n == chunks_) session_ready();
}

void Runner::verdict(TaskHandle handle, const VerdictEntry& entry) {
  Held* const task = held_.find(handle);
  if (task == nullptr) return;
  if (entry.verdict == Verdict::re_leased) {
    task->lease = entry.lease;
    task->epoch = epoch_;
    task->disowned = false;
    return;
  }
  if (task->lease != entry.lease) return;
  const bool settled = entry.verdict == Verdict::settled;
  switch (task->phase) {
    case TaskPhase::queued:
    case TaskPhase::nack_open:
      held_.erase(handle);
      return;
    case TaskPhase::pooled:
    case TaskPhase::running:
      // "A running one still delivers": only its failure is of no interest to anybody.
      (settled ? task->orphaned : task->disowned) = true;
      if (settled) out_.cancels.push_back(handle);
      return;
    case TaskPhase::unconfirmed:
      (settled ? task->orphaned : task->disowned) = true;
      return;
    case TaskPhase::ack_open:
      // "A positive ACK settles whatever the lease": one that was not settled is said again.
      if (settled) held_.erase(handle);
      return;
  }
}

void Runner::session_ready() {
  phase_ = Phase::ready;
  frozen_ = false;
  backoff_.reset();
  trouble_.clear();
  acks_.begin_session(held_);
  state_due_ = true;
}

void Runner::error(const Envelope& in, const ErrorMessage& error) {
  ++stats_.errors;
  if (phase_ == Phase::closed) return;
  const Duration wait = std::min<Duration>(from_ms(error.retry_ms), kMostWait);
  const std::string why = "the ventilator says: " + error.text;
  if (error.code == Code::not_authorized) return lose(why, kRefusedWait);
  if (phase_ == Phase::hello) {
    if (in.n != tries_) return;
    if (error.code == Code::not_primary && error.endpoint) endpoint_ = *error.endpoint;
    return lose(why, wait);
  }
  switch (error.code) {
    case Code::unknown_session:
    case Code::session_replaced:
    case Code::stale_epoch:
    case Code::credit_exceeded:
      return lose(why, wait);
    default:
      trouble_ = why;
  }
}

void Runner::bye(const Bye& bye) {
  if (drain_ && drain_->goodbye) return end(true);
  switch (bye.code) {
    case Code::lane:
      // The lane cannot be reached; the tasks come over the control connection from now on.
      lanes_ = LaneWish::inline_only;
      return lose("the lane could not be reached");
    case Code::bad_frame:
    case Code::not_authorized:
      return lose("the ventilator does not listen to this worker", kRefusedWait);
    case Code::draining:
      lose("the ventilator has ended");
      if (ends_with_ventilator_) ventilator_ended();
      return;
    default:
      return lose("the ventilator has ended the session");
  }
}

}  // namespace sluice::core
