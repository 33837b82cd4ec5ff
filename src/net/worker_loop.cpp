// worker_loop.cpp: wait, collect, take in, decide, send, start: a turn, again and again.
// SPDX-License-Identifier: MIT
#include "net/worker_loop.hpp"

#include <algorithm>
#include <utility>

#include <sluice/error.hpp>

#include "net/clock.hpp"
#include "net/entropy.hpp"
#include "net/signals.hpp"

namespace sluice::net {
namespace {

constexpr int kMaxMessagesPerTurn = 256;
constexpr auto kAfterLoss = std::chrono::seconds(5);

}  // namespace

WorkerLoop::WorkerLoop(AddressList addresses, const std::string& access_file,
                       const core::RunnerOptions& options, bool end_with_ventilator,
                       const MakeSlots& make_slots)
    : context_(Context::shared()),
      frames_(FramePool::make()),
      limits_(wire::widest_limits()),
      codec_(wire::Role::worker, limits_),
      core_(options, random_id<core::Boot>(), random_u64()),
      slots_(make_slots(core_.pool_capacity(), wake_)),
      home_(std::move(addresses)),
      control_(context_, home_.first(), wire::Role::worker, limits_, frames_),
      access_watch_(access_file) {
  if (end_with_ventilator) core_.end_with_ventilator();
  const SignalsBlocked blocked;
  thread_ = std::thread([this] { run(); });
}

WorkerLoop::~WorkerLoop() {
  drain(core::DrainMode::stop, std::chrono::milliseconds(0));
  thread_.join();
}

void WorkerLoop::run() {
  try {
    core_.start(Clock::now());
    while (!core_.ended() && !vanishes()) turn();
    if (supervisor_lost_)
      throw Error(
          "the process that runs this worker's commands was killed; start the worker again");
    if (!ventilator_gone_.empty()) throw Error(ventilator_gone_);
  } catch (...) {
    const std::scoped_lock lock(mutex_);
    failure_ = std::current_exception();
  }
  if (vanishes()) {
    slots_->allow_until(core::Time{});
    control_.close();
    lane_.reset();
    sinks_.clear();
  }
  const std::scoped_lock lock(mutex_);
  stats_.connected = false;
  stats_.ended_clean = core_.clean();
  ended_ = true;
  changed_.notify_all();
}

// One turn of the loop, in the order of the Runner's contract.
void WorkerLoop::turn() {
  wait();
  if (vanishes()) return;
  const core::Time now = Clock::now();  // read once: a turn happens at one instant
  collect(now);
  receive(now);
  receive_from_sinks(now);
  take_wishes(now);
  core_.advance(now);
  take_progress(now);

  core::Runner::Effects effects = core_.take_effects();
  const std::size_t retract = effects.retract;
  perform(effects, now);
  core_.recycle(std::move(effects));
  if (retract > 0) {
    retracted_.clear();
    slots_->retract(retract, retracted_);
    core_.retracted(retracted_, now);
    core::Runner::Effects after = core_.take_effects();
    perform(after, now);
    core_.recycle(std::move(after));
  }
  slots_->start_queued(now);
  publish(now);
  look_for_ventilator(now);
}

bool WorkerLoop::is_away() const { return !core_.ready() && core_.stats().sessions > 0; }

// What runs may end, and its outcomes be delivered: the sinks may be there still.
void WorkerLoop::look_for_ventilator(core::Time now) {
  if (core_.draining()) return;
  const auto gone = access_watch_.look(is_away(), core_.log(), now);
  const auto found = access_watch_.take_found();
  if (found && home_.learn(*found)) {
    core_.try_again(now);
    more_to_do_ = true;
  }
  if (!gone) return;
  ventilator_gone_ = *gone + "; start this worker again once there is one";
  core_.drain(core::DrainMode::return_queued, now + kAfterLoss, now);
}

void WorkerLoop::wait() {
  poll_.clear();
  poll_.watch_fd(wake_.fd());
  control_.watch(poll_);
  lane_slot_.reset();
  if (lane_) lane_slot_ = poll_.watch(lane_->pollable());
  if (lane_resolver_.busy()) poll_.watch_fd(lane_resolver_.fd());
  for (auto& [link, sink] : sinks_) sink->watch(poll_);
  slots_->watch(poll_);
  std::optional<core::Time> deadline = core_.next_deadline();
  wake_.going_to_sleep();
  const std::optional<core::Time> progress = core_.progress_from();
  if (progress && slots_->has_progress())
    deadline = std::min(deadline.value_or(core::Time::max()), *progress);
  const auto look = is_away() ? access_watch_.next_look(Clock::now()) : std::nullopt;
  if (look && !core_.draining()) deadline = std::min(deadline.value_or(*look), *look);
  bool busy = std::exchange(more_to_do_, false) || slots_->has_reports();
  {
    const std::scoped_lock lock(mutex_);
    busy = busy || wish_.has_value() || vanishing_ || lane_losing_;
  }
  if (busy) deadline = core::Time{};
  poll_.wait(deadline);
  wake_.awake();
}

void WorkerLoop::collect(core::Time now) {
  const auto finished = slots_->collect();
  core_.pool_progress(slots_->claimed(), now);
  if (!finished.empty()) core_.finished(finished, now);
  if (slots_->alive() || supervisor_lost_) return;
  supervisor_lost_ = true;
  core_.drain(core::DrainMode::return_queued, now + kAfterLoss, now);
}

// Texts that cannot go yet stay where handlers replace them by newer ones.
void WorkerLoop::take_progress(core::Time now) {
  const std::optional<core::Time> from = core_.progress_from();
  if (!from || now < *from || !slots_->has_progress()) return;
  core_.progress(slots_->take_progress(core::Runner::kMostProgress), now);
}

void WorkerLoop::receive(core::Time now) {
  constexpr core::Runner::From kControl{core::Runner::Source::control, 0};
  constexpr core::Runner::From kLane{core::Runner::Source::lane, 0};
  const auto heard = control_.hear(pool_, kMaxMessagesPerTurn, [&](const core::Envelope& envelope) {
    core_.receive(kControl, envelope, now);
  });
  more_to_do_ = heard.more;
  if (heard.cut) core_.disconnected(kControl, now);
  take_lane_address();
  if (!lane_ || !lane_slot_ || !poll_.readable(*lane_slot_)) return;
  for (int i = 0; i < kMaxMessagesPerTurn; ++i) {
    const auto frame = lane_->receive();
    if (!frame) break;
    wire::DecodeError error;
    auto envelope = codec_.decode(*frame, pool_, error);
    if (!envelope) {
      core_.refused(kLane, error.code, error.n, now);
      continue;
    }
    core_.receive(kLane, *envelope, now);
    pool_.give_back(std::move(envelope->message));
    more_to_do_ = more_to_do_ || i + 1 == kMaxMessagesPerTurn;
  }
}

void WorkerLoop::receive_from_sinks(core::Time now) {
  for (auto& [link, sink] : sinks_) {
    const core::Runner::From from{core::Runner::Source::sink, link};
    const auto heard = sink->hear(pool_, kMaxMessagesPerTurn, [&](const core::Envelope& envelope) {
      core_.receive(from, envelope, now);
    });
    more_to_do_ = more_to_do_ || heard.more;
    if (heard.cut) core_.disconnected(from, now);
  }
}

void WorkerLoop::take_wishes(core::Time now) {
  std::optional<DrainWish> wish;
  bool lose = false;
  {
    const std::scoped_lock lock(mutex_);
    wish.swap(wish_);
    lose = std::exchange(lane_losing_, false);
  }
  if (lose && lane_ && lane_at_) open_lane(*lane_at_);
  if (!wish) return;
  const std::optional<core::Time> until =
      wish->deadline ? std::optional(now + *wish->deadline) : std::nullopt;
  core_.drain(wish->mode, until, now);
}

void WorkerLoop::perform(core::Runner::Effects& effects, core::Time) {
  slots_->allow_until(effects.frozen ? core::Time{} : effects.start_until);
  change_sockets(effects);
  for (const core::Envelope& envelope : effects.control) control_.send(envelope);
  for (const auto& send : effects.sinks) {
    const auto at = sinks_.find(send.link);
    if (at != sinks_.end()) at->second->send(send.envelope);
  }
  slots_->put(effects.starts);
  for (const core::TaskHandle handle : effects.cancels) slots_->cancel(handle);
}

void WorkerLoop::change_sockets(core::Runner::Effects& effects) {
  if (effects.close_control) control_.close();
  if (effects.close_lane) {
    lane_.reset();
    lane_resolver_ = Resolver();  // a lane looked up too late would take another worker's tasks
  }
  for (const std::uint32_t link : effects.close_sinks) sinks_.erase(link);
  if (effects.open_control) {
    // An address that a peer named may be nonsense; then it is home that is tried.
    try {
      control_.set_endpoint(effects.endpoint.empty() ? home_.next()
                                                     : Endpoint::parse(effects.endpoint));
    } catch (const Error&) {
      control_.set_endpoint(home_.next());
    }
    control_.open();
  }
  if (effects.open_lane) open_lane(*effects.open_lane);
  for (const auto& wanted : effects.open_sinks) {
    try {
      auto link = std::make_unique<OutgoingLink>(context_, Endpoint::parse(wanted.endpoint),
                                                 wire::Role::producer, limits_, frames_);
      link->open();
      sinks_[wanted.link] = std::move(link);
    } catch (const Error& error) {  // outcomes wait until the ventilator names a better one
      const std::scoped_lock lock(mutex_);
      trouble_ = error.what();
    }
  }
}

// A lane without a host is at the host that the control connection has reached.
void WorkerLoop::open_lane(const core::LaneAddress& lane) {
  lane_.reset();
  lane_at_ = lane;
  if (!control_.is_open()) return;
  Endpoint where = control_.address();
  try {
    where.transport = Endpoint::Transport::tcp;
    if (lane.host) where = where.with_host(*lane.host);
    where = where.with_port(static_cast<std::uint16_t>(lane.port));
    where.require_connectable();
    lane_resolver_.start(where);
  } catch (const Error& error) {  // the probe will not be answered: the session goes inline
    const std::scoped_lock lock(mutex_);
    trouble_ = error.what();
  }
}

void WorkerLoop::take_lane_address() {
  if (!lane_resolver_.busy()) return;
  const auto found = lane_resolver_.take();
  if (!found || found->endpoints.empty()) return;
  try {
    lane_.emplace(context_, found->endpoints.front(), limits_.max_frame);
  } catch (const Error& error) {
    const std::scoped_lock lock(mutex_);
    trouble_ = error.what();
  }
}

void WorkerLoop::publish(core::Time) {
  const core::RunnerStats& from = core_.stats();
  const std::scoped_lock lock(mutex_);
  const bool news = stats_.connected != core_.ready();
  if (news && core_.ready()) home_.reached(control_.endpoint());
  stats_.connected = core_.ready();
  stats_.queued = core_.unstarted();
  stats_.running = core_.running();
  stats_.unconfirmed = core_.retained();
  stats_.done = from.done;
  stats_.failed = from.failed + from.nacked;
  stats_.returned = from.returned;
  stats_.given_up = from.given_up;
  stats_.sessions = from.sessions;
  stats_.push_lane = lane_.has_value();
  if (!core_.trouble().empty()) trouble_ = core_.trouble();
  if (!control_.error().empty() && !core_.ready()) trouble_ = control_.error();
  if (news) changed_.notify_all();
}

// --- other threads ----------------------------------------------------------

bool WorkerLoop::wait_ready(std::optional<std::chrono::milliseconds> timeout) {
  std::unique_lock lock(mutex_);
  const auto done = [this] { return stats_.sessions > 0 || ended_; };
  if (timeout)
    changed_.wait_for(lock, *timeout, done);
  else
    changed_.wait(lock, done);
  return stats_.sessions > 0;
}

bool WorkerLoop::wait_ended(std::optional<std::chrono::milliseconds> timeout) {
  std::unique_lock lock(mutex_);
  const auto done = [this] { return ended_; };
  if (timeout)
    changed_.wait_for(lock, *timeout, done);
  else
    changed_.wait(lock, done);
  if (failure_) std::rethrow_exception(failure_);
  return ended_;
}

void WorkerLoop::drain(core::DrainMode mode, std::optional<std::chrono::milliseconds> deadline) {
  {
    const std::scoped_lock lock(mutex_);
    wish_ = DrainWish{mode, deadline};
  }
  wake_.signal();
}

bool WorkerLoop::vanishes() const {
  const std::scoped_lock lock(mutex_);
  return vanishing_;
}

void WorkerLoop::vanish() {
  std::unique_lock lock(mutex_);
  vanishing_ = true;
  wake_.signal();
  changed_.wait(lock, [this] { return ended_; });
}

void WorkerLoop::lose_lane() {
  const std::scoped_lock lock(mutex_);
  lane_losing_ = true;
  wake_.signal();
}

Worker::Stats WorkerLoop::stats() const {
  const std::scoped_lock lock(mutex_);
  return stats_;
}

std::string WorkerLoop::trouble() const {
  const std::scoped_lock lock(mutex_);
  return trouble_;
}

}  // namespace sluice::net
