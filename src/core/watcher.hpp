// watcher.hpp: a client's link to one sink: which outcomes it waits for there.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string_view>
#include <vector>

#include "core/backoff.hpp"
#include "core/ids.hpp"
#include "core/message.hpp"
#include "core/options.hpp"
#include "core/random.hpp"
#include "core/time.hpp"

namespace sluice::core {

/// An outcome that was waited for. The views are those of the message it came in.
struct Arrival {
  std::uint64_t cookie = 0;  ///< as given to watch()
  Log log{};
  const OutcomeEntry* outcome = nullptr;  ///< null: given up, see Watcher::give_up()
  std::string_view type, worker;
};

struct WatcherStats {
  std::uint64_t sessions = 0, watches = 0, busy = 0;
  std::uint64_t arrived = 0;   // outcomes that somebody waited for
  std::uint64_t repeated = 0;  // and those that nobody did any more
};

/// Waits for outcomes at one sink (docs/PROTOCOL.md, "WATCH").
///
/// What is waited for stands in a table until it arrives. Each session, on a new socket, begins
/// with a WATCH of all of it, so a lost connection or a sink that restarted costs nothing but time;
/// what arrives twice is told once. Nothing is opened before there is something to wait for.
///
/// Bounded by its owner: the table grows with each watch() and shrinks with each arrival.
/// Acknowledgements ride on the next WATCH, or go alone when much is open or H has passed.
class Watcher {
 public:
  enum class Link : std::uint8_t { keep, close, open };  ///< as Submitter::Link
  struct Effects {
    Link link = Link::keep;
    std::vector<Envelope> sends;
  };

  Watcher(WatcherOptions options, const Boot& boot, std::uint64_t seed);

  /// Waits for the task's outcome; its WATCH leaves with the next effects. Several cookies may
  /// wait for one task.
  void watch(const TaskKey& task, std::uint64_t cookie, Time now);
  /// Nobody waits with that cookie any more.
  void forget(const TaskKey& task, std::uint64_t cookie);
  /// What is waited for of other logs than this one will hardly come any more: at `deadline`
  /// what is left of it is given up, as arrivals without an outcome.
  void give_up_others(const Log& log, Time deadline);

  /// Appends to `arrivals`, whose views are good as long as `in` and its frame are.
  void receive(const Envelope& in, Time now, std::vector<Arrival>& arrivals);
  void link_lost(Time now);
  void advance(Time now, std::vector<Arrival>& arrivals);
  [[nodiscard]] std::optional<Time> next_deadline() const;
  [[nodiscard]] Effects take_effects(Time now);

  [[nodiscard]] std::size_t awaited() const { return awaited_.size(); }
  [[nodiscard]] bool is_open() const { return phase_ == Phase::open; }
  [[nodiscard]] const WatcherStats& stats() const { return stats_; }

 private:
  enum class Phase : std::uint8_t { idle, waiting, opening, open };

  void connect(Time now);
  void reconnect(Time now, Duration at_least = Duration{});
  void on(const Envelope& in, const SinkOpened& opened, Time now);
  void on(const Envelope& in, const ErrorMessage& error, Time now);
  void on(const Envelope& in, const Watched& watched, Time now, std::vector<Arrival>& arrivals);
  void say_unsaid(Time now);
  void acknowledge(Time now);
  void send(std::uint64_t n, Message message, Time now);

  const WatcherOptions options_;
  const Boot boot_;
  Random random_;
  Backoff backoff_;

  Phase phase_ = Phase::idle;
  Sid sid_{};
  std::uint64_t tries_ = 0, count_ = 0;  // n of the last OPEN, and of what else was sent
  Time phase_until_{};                   // waiting: connect then; opening: give up then
  Time heard_{}, said_{};
  Duration heartbeat_{}, dead_{};
  std::uint64_t seen_ = 0;          // n of the last WATCHED taken in
  std::uint64_t told_ = 0;          // the `seen` that the sink was told last
  std::uint64_t unseen_bytes_ = 0;  // taken in since
  std::size_t unseen_outcomes_ = 0;

  std::multimap<TaskKey, std::uint64_t> awaited_;  // -> cookie
  std::vector<TaskKey> unsaid_;                    // in no WATCH of this session yet
  std::optional<Time> say_again_at_;               // the sink was full
  std::optional<Time> give_up_at_;
  Log kept_log_{};  // then not given up

  Effects out_;
  WatcherStats stats_;
};

}  // namespace sluice::core
