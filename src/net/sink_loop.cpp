// sink_loop.cpp: wait, take in, store, confirm: a turn, again and again.
// SPDX-License-Identifier: MIT
#include "net/sink_loop.hpp"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <utility>

#include <sluice/error.hpp>

#include "net/clock.hpp"
#include "net/entropy.hpp"
#include "net/identity.hpp"
#include "net/signals.hpp"

namespace sluice::net {
namespace {

constexpr int kMaxMessagesPerTurn = 256;
constexpr core::Duration kRetrySends = std::chrono::milliseconds(5);
constexpr std::size_t kMostWaitingSends = 65'536;

core::CollectorOptions core_options(const SinkOptions& options) {
  core::CollectorOptions out;
  out.name = options.name.empty() ? default_name() : options.name;
  out.timers.heartbeat = options.heartbeat;
  out.frame.max_frame = options.max_frame;
  return out;
}

wire::Limits wire_limits(const SinkOptions& options) {
  wire::Limits limits;
  limits.max_frame = options.max_frame;
  return limits;
}

// Differs from that of an earlier start, so that a session of then is not taken for one of now.
core::Epoch this_start() {
  return static_cast<core::Epoch>((Clock::wall_us() / 1'000'000) & 0x7FFFFFFF);
}

std::string local_host_name() {
  std::array<char, 256> name{};
  if (::gethostname(name.data(), name.size() - 1) != 0 || name[0] == '\0') return "localhost";
  return name.data();
}

std::string advertised(const Endpoint& bound, const std::string& host) {
  if (!host.empty()) return bound.with_host(host).text();
  return (bound.is_any_host() ? bound.with_host(local_host_name()) : bound).text();
}

}  // namespace

SinkLoop::SinkLoop(const SinkOptions& options, Sink::Handler handler)
    : core_options_(core_options(options)),
      core_(core_options_, random_id<core::Collector::SinkId>(), this_start()),
      store_(open_file(options), std::move(handler), options.before_confirm),
      lookup_(options.file),
      checkpoint_(options.checkpoint ? store_.file() : nullptr),
      frames_(FramePool::make()),
      codec_(wire::Role::sink, wire_limits(options)),
      router_(Context::shared(), Endpoint::parse(options.bind), options.max_frame),
      advertised_(advertised(router_.endpoint(), options.advertise)),
      frame_(frames_) {
  publish();
  const SignalsBlocked blocked;
  thread_ = std::thread([this] { run(); });
}

SinkLoop::~SinkLoop() { stop(); }

std::unique_ptr<store::OutcomeFile> SinkLoop::open_file(const SinkOptions& options) {
  if (options.file.empty()) return nullptr;
  store::OutcomeFile::Options file;
  file.path = options.file;
  file.sync = options.sync;
  file.progress = options.on_read_back;
  if (options.checkpoint)
    file.known = [this](const core::KnownSlice& slice) { core_.restore(slice); };
  auto opened = std::make_unique<store::OutcomeFile>(
      std::move(file), [this](const store::OutcomeFacts& facts) {
        core_.restore(facts.id.log, static_cast<core::Seq>(facts.id.seq),
                      static_cast<core::Status>(facts.status));  // equal numbers
      });
  known_ = opened->lines_read();
  known_by_checkpoint_ = opened->lines_skipped();
  if (opened->cut_bytes() > 0)
    opening_note_ = "cut a torn last line of " + std::to_string(opened->cut_bytes()) +
                    " bytes off " + options.file + ": it was never confirmed";
  if (const std::string& refused = opened->checkpoint_refused(); !refused.empty())
    opening_note_ += (opening_note_.empty() ? "" : "; ") + refused +
                     ": it was not used, the file was read whole";
  return opened;
}

void SinkLoop::run() {
  try {
    for (;;) {
      {
        const std::scoped_lock lock(mutex_);
        if (stop_asked_) break;
      }
      turn();
    }
    checkpoint_.finish(core_);
    publish();
  } catch (...) {
    const std::scoped_lock lock(mutex_);
    failure_ = std::current_exception();
  }
}

// One turn of the loop. The order is the point: what came in is stored, all of it with one
// fsync, before the confirms that rest on it leave. A crash in between repeats an outcome, which
// is then a duplicate, and never loses one.
void SinkLoop::turn() {
  wait();
  const core::Time now = Clock::now();  // read once: a turn happens at one instant
  while (const auto gone = router_.next_departed()) core_.unreachable(*gone);
  store_.begin(now + core_options_.timers.heartbeat / 2);
  receive(now);
  core_.stored(store_.finish());
  lookup_.step(store_.file_size(), core_, store_.index());
  core_.advance(now);
  take_from_core();

  publish();  // before the confirms: whoever hears of one finds it counted
  retry_sends();
  for (const core::Collector::Send& out : sends_) send(out.to, out.envelope);
  sends_.clear();
  checkpoint_.step(core_);  // behind the sends: nobody waits for it
}

void SinkLoop::wait() {
  poll_.clear();
  router_.watch(poll_);
  poll_.watch_fd(wake_.fd());
  std::optional<core::Time> deadline = core_.next_deadline();
  const auto sooner = [&deadline](core::Time at) {
    if (!deadline || at < *deadline) deadline = at;
  };
  if (!waiting_sends_.empty()) sooner(Clock::now() + kRetrySends);
  wake_.going_to_sleep();
  bool stopping = false;
  {
    const std::scoped_lock lock(mutex_);
    stopping = stop_asked_;
  }
  if (more_to_read_ || stopping || lookup_.busy() || checkpoint_.busy()) sooner(core::Time{});
  poll_.wait(deadline);
  wake_.awake();
}

void SinkLoop::receive(core::Time now) {
  more_to_read_ = true;
  for (int i = 0; i < kMaxMessagesPerTurn; ++i) {
    const auto in = router_.receive();
    if (!in) {
      more_to_read_ = false;
      return;
    }
    if (core_.ignores(in->from, now)) continue;
    if (in->extra_frames > 0) {
      core_.refused(in->from, core::Code::bad_frame, 0, now);
      continue;
    }
    wire::DecodeError error;
    auto envelope = codec_.decode(in->frame, pool_, error);
    if (!envelope) {
      core_.refused(in->from, error.code, error.n, now);
      continue;
    }
    core_.receive(in->from, *envelope, now);
    take_from_core();  // while the frame is there: the store copies what it needs
    pool_.give_back(std::move(envelope->message));
  }
}

void SinkLoop::take_from_core() {
  core::Collector::Effects effects = core_.take_effects();
  for (const core::StoreEntry& entry : effects.store) store_.take(entry);
  lookup_.add(effects.lookups);
  for (core::Collector::Send& out : effects.sends) sends_.push_back(std::move(out));
  effects.sends.clear();
  core_.recycle(std::move(effects));
}

void SinkLoop::send(core::PeerId peer, const core::Envelope& envelope) {
  wire::Codec::encode(envelope, frame_.buffer());
  const bool in_order = std::none_of(waiting_sends_.begin(), waiting_sends_.end(),
                                     [peer](const WaitingSend& w) { return w.peer == peer; });
  const SendResult result = in_order ? router_.send(peer, frame_) : SendResult::again;
  if (result == SendResult::sent) return;
  if (result == SendResult::unreachable || waiting_sends_.size() >= kMostWaitingSends) {
    core_.unreachable(peer);  // gone, or it has not read for very long: it opens anew
    return;
  }
  waiting_sends_.push_back({peer, std::move(frame_)});
  frame_ = OutFrame(frames_);
}

// What libzmq would not take is tried again, each peer's messages in their order; no event tells
// when it would.
void SinkLoop::retry_sends() {
  std::vector<core::PeerId> blocked;
  for (std::size_t left = waiting_sends_.size(); left > 0; --left) {
    WaitingSend waiting = std::move(waiting_sends_.front());
    waiting_sends_.pop_front();
    const bool behind = std::find(blocked.begin(), blocked.end(), waiting.peer) != blocked.end();
    const SendResult result =
        behind ? SendResult::again : router_.send(waiting.peer, waiting.frame);
    if (result == SendResult::unreachable) core_.unreachable(waiting.peer);
    if (result != SendResult::again) continue;
    if (!behind) blocked.push_back(waiting.peer);
    waiting_sends_.push_back(std::move(waiting));
  }
}

void SinkLoop::publish() {
  const core::CollectorStats now = core_.stats();
  const std::scoped_lock lock(mutex_);
  stats_.stored = now.stored;
  stats_.known = known_;
  stats_.duplicates = now.duplicates;
  stats_.deferred = now.deferred;
  stats_.rejected = now.rejected;
  stats_.producers = now.producers;
  stats_.refused_frames = now.refused_frames + router_.counters().foreign_ids;
  stats_.known_by_checkpoint = known_by_checkpoint_;
  stats_.checkpoints = checkpoint_.written();
  stats_.checkpoint_trouble = checkpoint_.trouble();
  stats_.opening_note = opening_note_;
  stats_.trouble = store_.trouble();
}

Sink::Stats SinkLoop::stats() const {
  const std::scoped_lock lock(mutex_);
  return stats_;
}

void SinkLoop::check() const {
  const std::scoped_lock lock(mutex_);
  if (failure_) std::rethrow_exception(failure_);
}

void SinkLoop::stop() {
  {
    const std::scoped_lock lock(mutex_);
    stop_asked_ = true;
  }
  wake_.signal();
  if (thread_.joinable()) thread_.join();
}

}  // namespace sluice::net
