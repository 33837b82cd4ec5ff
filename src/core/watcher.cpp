// watcher.cpp: the session with a sink, what is said to it, and what arrives.
// SPDX-License-Identifier: MIT
#include "core/watcher.hpp"

#include <algorithm>
#include <utility>

namespace sluice::core {
namespace {

constexpr Duration kNotAuthorizedWait = std::chrono::seconds(60);
constexpr Duration kLongestHold = std::chrono::minutes(1);

}  // namespace

Watcher::Watcher(WatcherOptions options, const Boot& boot, std::uint64_t seed)
    : options_(std::move(options)),
      boot_(boot),
      random_(seed),
      backoff_(options_.reconnect_least, options_.reconnect_most) {}

void Watcher::watch(const TaskKey& task, std::uint64_t cookie, Time now) {
  const bool is_new = awaited_.find(task) == awaited_.end();
  awaited_.emplace_hint(awaited_.end(), task, cookie);
  if (is_new && phase_ == Phase::open && !say_again_at_) unsaid_.push_back(task);
  if (phase_ == Phase::idle) connect(now);
}

// The sink is not told: what it sends is taken in and told to nobody.
void Watcher::forget(const TaskKey& task, std::uint64_t cookie) {
  const auto [first, last] = awaited_.equal_range(task);
  const auto at = std::find_if(first, last, [&](const auto& e) { return e.second == cookie; });
  if (at != last) awaited_.erase(at);
}

void Watcher::give_up_others(const Log& log, Time deadline) {
  kept_log_ = log;
  give_up_at_ = deadline;
}

void Watcher::connect(Time now) {
  phase_ = Phase::opening;
  phase_until_ = now + Timers{}.dead();  // its own waits are not known before it has answered
  out_.link = Link::open;
  SinkOpen open;
  open.boot = boot_;
  open.name = options_.name;
  open.agent = options_.agent;
  out_.sends.push_back({Sid{}, ++tries_, std::move(open)});
}

// Without anybody who waits there is no need for a connection.
void Watcher::reconnect(Time now, Duration at_least) {
  const Duration wait = backoff_.next(random_);
  phase_ = Phase::waiting;
  phase_until_ = now + std::max(wait, at_least);
  sid_ = Sid{};
  unsaid_.clear();
  say_again_at_.reset();
  out_.link = Link::close;
  out_.sends.clear();
}

void Watcher::link_lost(Time now) {
  if (phase_ == Phase::opening || phase_ == Phase::open) reconnect(now);
}

void Watcher::receive(const Envelope& in, Time now, std::vector<Arrival>& arrivals) {
  if (phase_ != Phase::opening && phase_ != Phase::open) return;
  if (const auto* error = std::get_if<ErrorMessage>(&in.message)) {
    heard_ = now;
    on(in, *error, now);
  } else if (const auto* opened = std::get_if<SinkOpened>(&in.message)) {
    on(in, *opened, now);
  } else if (phase_ == Phase::open && in.sid == sid_) {
    heard_ = now;
    if (const auto* watched = std::get_if<Watched>(&in.message)) on(in, *watched, now, arrivals);
  }
}

void Watcher::on(const Envelope& in, const SinkOpened& opened, Time now) {
  if (phase_ != Phase::opening || in.n != tries_) return;
  phase_ = Phase::open;
  sid_ = in.sid;
  backoff_.reset();
  ++stats_.sessions;
  heard_ = said_ = now;
  const PeerTimers timers(opened.heartbeat_ms, opened.dead_ms);
  heartbeat_ = timers.heartbeat;
  dead_ = timers.dead;
  seen_ = told_ = count_ = unseen_bytes_ = 0;
  unseen_outcomes_ = 0;
  say_again_at_ = now;  // everything
}

void Watcher::on(const Envelope& in, const ErrorMessage& error, Time now) {
  if (error.code == Code::not_authorized) return reconnect(now, kNotAuthorizedWait);
  if (phase_ == Phase::open && error.code == Code::busy) {  // a WATCH that found no room
    ++stats_.busy;
    unsaid_.clear();
    say_again_at_ = now + std::clamp(from_ms(error.retry_ms), Duration{1ms}, kLongestHold);
    return;
  }
  if (phase_ == Phase::open && in.sid == sid_ && error.code == Code::bad_type) return;
  reconnect(now, from_ms(std::min<std::uint64_t>(error.retry_ms, 60'000)));
}

// Within a session nothing is lost or overtaken, so another n than the next one is an old one,
// or the sink is out of its mind: then a new session makes it good.
void Watcher::on(const Envelope& in, const Watched& watched, Time now,
                 std::vector<Arrival>& arrivals) {
  if (in.n <= seen_) return;
  if (in.n != seen_ + 1) return reconnect(now);
  seen_ = in.n;
  const Outcomes& outcomes = watched.outcomes;
  for (std::size_t i = 0; i < outcomes.entries.size(); ++i) {
    const OutcomeEntry& entry = outcomes.entries[i];
    unseen_bytes_ += entry.payload.size();
    ++unseen_outcomes_;
    const auto [first, last] = awaited_.equal_range(TaskKey{outcomes.log, entry.seq});
    if (first == last) ++stats_.repeated;
    for (auto at = first; at != last; ++at) {
      ++stats_.arrived;
      arrivals.push_back({at->second, outcomes.log, &entry, outcomes.types[entry.type_index],
                          watched.workers[watched.worker_index[i]]});
    }
    awaited_.erase(first, last);
  }
}

void Watcher::advance(Time now, std::vector<Arrival>& arrivals) {
  if (give_up_at_ && now >= *give_up_at_) {
    give_up_at_.reset();
    for (auto at = awaited_.begin(); at != awaited_.end();) {
      if (at->first.log == kept_log_) {
        ++at;
        continue;
      }
      arrivals.push_back({at->second, at->first.log, nullptr, {}, {}});
      at = awaited_.erase(at);
    }
  }
  switch (phase_) {
    case Phase::idle:
      break;
    case Phase::waiting:
      if (now < phase_until_) break;
      if (awaited_.empty())
        phase_ = Phase::idle;
      else
        connect(now);
      break;
    case Phase::opening:
      if (now >= phase_until_) reconnect(now);
      break;
    case Phase::open:
      if (now >= heard_ + dead_) {
        reconnect(now);
        break;
      }
      if (say_again_at_ && now >= *say_again_at_) {
        say_again_at_.reset();
        unsaid_.clear();
        for (auto at = awaited_.begin(); at != awaited_.end(); at = awaited_.upper_bound(at->first))
          unsaid_.push_back(at->first);
      }
      break;
  }
}

// One range for neighbours; of several sinks each has every k-th seq, which are ranges of one.
void Watcher::say_unsaid(Time now) {
  std::size_t at = 0;
  while (at < unsaid_.size()) {
    Watch watch;
    watch.log = unsaid_[at].log;
    for (std::uint64_t seqs = 0;
         at < unsaid_.size() && unsaid_[at].log == watch.log && seqs < kMostWatched; ++at, ++seqs) {
      const Seq seq = unsaid_[at].seq;
      if (!watch.ranges.empty() && next(watch.ranges.back().last) == seq)
        watch.ranges.back().last = seq;
      else if (watch.ranges.size() < options_.max_entries)
        watch.ranges.push_back({seq, seq});
      else
        break;
    }
    watch.seen = told_ = seen_;
    unseen_bytes_ = unseen_outcomes_ = 0;
    ++stats_.watches;
    send(++count_, std::move(watch), now);
  }
  unsaid_.clear();
}

void Watcher::acknowledge(Time now) {
  const bool much =
      unseen_bytes_ >= options_.unseen_bytes || unseen_outcomes_ >= options_.unseen_outcomes;
  const bool silent = now >= said_ + heartbeat_;
  if (!much && !silent) return;
  if (told_ == seen_) {
    if (silent) send(++count_, SinkBeat{}, now);
    return;
  }
  Watch seen;
  seen.seen = told_ = seen_;
  unseen_bytes_ = unseen_outcomes_ = 0;
  send(++count_, std::move(seen), now);
}

std::optional<Time> Watcher::next_deadline() const {
  Time earliest = Time::max();
  if (give_up_at_) earliest = *give_up_at_;
  if (phase_ == Phase::waiting || phase_ == Phase::opening)
    earliest = std::min(earliest, phase_until_);
  if (phase_ == Phase::open) {
    earliest = std::min({earliest, heard_ + dead_, said_ + heartbeat_});
    if (say_again_at_) earliest = std::min(earliest, *say_again_at_);
  }
  if (earliest == Time::max()) return std::nullopt;
  return earliest;
}

void Watcher::send(std::uint64_t n, Message message, Time now) {
  said_ = now;
  out_.sends.push_back({sid_, n, std::move(message)});
}

Watcher::Effects Watcher::take_effects(Time now) {
  if (phase_ == Phase::open) {
    say_unsaid(now);
    acknowledge(now);
  }
  return std::exchange(out_, Effects{});
}

}  // namespace sluice::core
