// runner.hpp: the rules of a worker: which tasks it takes, runs, reports and gives back.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/backoff.hpp"
#include "core/held_tasks.hpp"
#include "core/ids.hpp"
#include "core/message.hpp"
#include "core/options.hpp"
#include "core/outcome_producer.hpp"
#include "core/random.hpp"
#include "core/ring.hpp"
#include "core/runner_acks.hpp"
#include "core/time.hpp"
#include "core/worker_credit.hpp"

namespace sluice::core {

/// A task for the executors. The views stay good until the task is Finished or retracted.
struct TaskStart {
  TaskHandle handle{};
  Log log{};
  Seq seq{};
  std::uint32_t attempt = 1;
  std::uint32_t type = 0;  ///< index into RunnerOptions::types
  std::string_view key;
  Bytes payload;
  std::uint64_t exec_ms = 0;   ///< limit of the execution; 0: none
  Time expires = Time::max();  ///< not to be started from then on, but finished as `expired`
  bool last_attempt = false;
};

/// How an execution ended.
enum class RunEnd : std::uint8_t {
  ok,
  failed,
  timeout,
  crashed,
  undecodable,  ///< the handler cannot read the payload
  fatal,        ///< failed, and the handler says that no further attempt can help
  no_such_type,
  cancelled,  ///< stopped because of `cancels`
  expired,    ///< not started: its time to live was over
};

struct TaskFinished {
  TaskHandle handle{};
  RunEnd end = RunEnd::ok;
  std::string_view error;        ///< for people, unless ok
  Bytes result;                  ///< of ok, and of a failure that is final
  std::uint64_t retry_ms = 0;    ///< of a failure: when the next attempt is wanted; 0: any time
  std::uint64_t started_us = 0;  ///< since 1970
  Duration run{};
};

/// What a handler says of a task that it runs.
struct TaskProgress {
  TaskHandle handle{};
  std::string_view text;  ///< for people; good until the effects are carried out
};

struct RunnerStats {
  std::uint64_t sessions = 0, lost_sessions = 0;
  std::uint64_t received = 0, settled = 0;  ///< tasks; settled: ACKED
  std::uint64_t done = 0, failed = 0;       ///< outcomes made
  std::uint64_t nacked = 0, returned = 0;
  std::uint64_t duplicates = 0;  ///< outcomes the sink already had another of
  std::uint64_t foreign = 0;     ///< messages of another session or epoch, dropped
  std::uint64_t stale = 0;       ///< TASKS that came twice or too late, dropped
  std::uint64_t gaps = 0;        ///< GAPs reported
  std::uint64_t given_up = 0;    ///< outcomes of ventilators before, dropped with their sinks
  std::uint64_t stopped = 0;     ///< times this process had stood still for longer than F
  std::uint64_t errors = 0, bad_frames = 0, ignored = 0;
};

/// The worker's machine (docs/PROTOCOL.md, "Worker session").
///
/// Tasks come in over the lane or inline and go straight to the shell's pool, which is a
/// queue: executors claim from its head, each before every start asking whether the
/// pool is frozen and whether `start_until` has passed. The machine learns of
/// claims afterwards. What it wants back it asks for by `retract`.
///
/// One turn of the shell:
///   finished tasks are collected; pool_progress() with the claims counted after that; finished();
///   receive() each message; advance(); take_effects(); do them in the order of Effects;
///   recycle(); if `retract` was not 0: retracted(), and take_effects() once more.
class Runner {
 public:
  enum class Source : std::uint8_t { control, lane, sink };
  struct From {
    Source source = Source::control;
    std::uint32_t link = 0;  ///< of a sink
  };
  struct SinkSocket {
    std::uint32_t link = 0;
    std::string endpoint;
  };
  struct SinkSend {
    std::uint32_t link = 0;
    Envelope envelope;
  };

  /// What is to be done, in this order. Messages that cannot be sent yet wait in the shell
  /// until their socket is closed. Views are good until the next input.
  struct Effects {
    bool frozen = false;      ///< the executors must start nothing
    Time start_until{};       ///< nor anything after this moment (rule 10)
    std::size_t retract = 0;  ///< take back up to so many from the pool's head; answer at once
    bool close_control = false, close_lane = false;
    std::vector<std::uint32_t> close_sinks;
    bool open_control = false;
    std::string endpoint;  ///< where to; empty: where the worker was told to go
    std::optional<LaneAddress> open_lane;
    std::vector<SinkSocket> open_sinks;
    std::vector<Envelope> control;
    std::vector<SinkSend> sinks;
    std::vector<TaskStart> starts;    ///< for the end of the pool, in order
    std::vector<TaskHandle> cancels;  ///< of tasks that run: stop them if that can be done
  };

  Runner(RunnerOptions options, const Boot& boot, std::uint64_t seed);

  void start(Time now);
  void receive(From from, const Envelope& in, Time now);
  /// The codec refused a frame.
  void refused(From from, Code code, std::uint64_t n, Time now);
  /// A connection is gone: only a hint, for silence is noticed anyway.
  void disconnected(From from, Time now);

  /// How many tasks the executors have ever claimed; retracted ones do not count.
  void pool_progress(std::uint64_t claimed, Time now);
  void finished(std::span<const TaskFinished> tasks, Time now);
  /// Texts for the ventilator's status, each newer than what was said before of its task; to be
  /// given not before progress_from(), and at most kMostProgress at a time.
  void progress(std::span<const TaskProgress> texts, Time now);
  static constexpr std::size_t kMostProgress = 100;  // of 512 bytes: they fit into one frame
  /// From when on the next texts can go; nullopt while there is no session.
  [[nodiscard]] std::optional<Time> progress_from() const;
  /// The answer to Effects::retract: what came back, oldest first.
  void retracted(std::span<const TaskHandle> tasks, Time now);

  /// Takes no more tasks, gets rid of those it has, says GOODBYE, and has ended.
  /// finish: runs all it has. return_queued: hands back what has not started. stop: also
  /// cancels what runs. After `deadline` it has ended, come what may. May be called again with
  /// a stricter mode.
  void drain(DrainMode mode, std::optional<Time> deadline, Time now);

  /// From now on a ventilator that says BYE because it ends for good ends this worker, too, as
  /// soon as the sinks have what it made. Otherwise it waits for another ventilator.
  void end_with_ventilator() { ends_with_ventilator_ = true; }

  /// Somebody has said where the ventilator is now: an attempt elsewhere is given up, and a wait
  /// for the next one is over. A session stays as it is.
  void try_again(Time now);
  void advance(Time now);
  /// After advance(t) it is later than t.
  [[nodiscard]] std::optional<Time> next_deadline() const;
  [[nodiscard]] Effects take_effects();
  void recycle(Effects&& effects);

  /// Drained, or given up: nothing will be said or done any more.
  [[nodiscard]] bool ended() const { return phase_ == Phase::ended; }
  /// Ended with everything told and acknowledged.
  [[nodiscard]] bool clean() const { return ended() && clean_; }
  /// In a session that is ready.
  [[nodiscard]] bool ready() const { return phase_ == Phase::ready; }
  [[nodiscard]] bool draining() const { return drain_.has_value(); }
  /// Whose numbers its tasks have: of the last session's ventilator.
  [[nodiscard]] const Log& log() const { return log_; }
  /// The last thing that went wrong with the ventilator, for people; empty if nothing did.
  [[nodiscard]] const std::string& trouble() const { return trouble_; }
  /// The most tasks the pool must have room for.
  [[nodiscard]] std::size_t pool_capacity() const { return credit_.most_unstarted(); }
  /// Largest result that can be delivered.
  [[nodiscard]] std::uint64_t max_result() const { return frame_.max_payload(); }

  [[nodiscard]] std::size_t unstarted() const { return held_.unstarted(); }
  [[nodiscard]] std::size_t running() const { return held_.count(TaskPhase::running); }
  [[nodiscard]] std::uint64_t retained() const;
  /// Whatever it has not been let off: the above, and what the ventilator has yet to acknowledge.
  [[nodiscard]] std::size_t held() const { return held_.size(); }
  [[nodiscard]] const RunnerStats& stats() const { return stats_; }

 private:
  enum class Phase : std::uint8_t { idle, closed, hello, reconcile, ready, ended };
  struct SinkLink {
    std::string endpoint;
    std::unique_ptr<OutcomeProducer> producer;  // null: this place is free
    bool listed = false;                        // in the WELCOME of now
  };
  struct Draining {
    DrainMode mode{};
    std::optional<Time> deadline;
    std::optional<Time> goodbye;  // when it was said
  };

  // runner.cpp
  [[nodiscard]] bool enter(Time now);
  void receive_control(const Envelope& in);
  void send(std::uint64_t n, Message message);
  void send_state();
  [[nodiscard]] WorkerLoad load() const;
  struct Retained {
    std::uint64_t outcomes = 0, bytes = 0;
    std::uint64_t sinks = 0, least = 0;  // how many, and the outcomes of the one with fewest
  };
  [[nodiscard]] Retained retained_by(bool listed) const;

  // runner_session.cpp
  void open();
  void lose(const std::string& why, Duration at_least = Duration(0));
  void welcome(const Envelope& in, const Welcome& welcome);
  [[nodiscard]] bool accepts(const Welcome& welcome);
  void adopt(const Envelope& in, const Welcome& welcome);
  void orphan_everything();
  void send_inventory();
  void verdicts(const Envelope& in, const Verdicts& verdicts);
  void verdict(TaskHandle handle, const VerdictEntry& entry);
  void session_ready();
  void error(const Envelope& in, const ErrorMessage& error);
  void bye(const Bye& bye);

  // runner_tasks.cpp
  void tasks(From from, const Envelope& in, const Tasks& tasks);
  [[nodiscard]] bool in_order(const Envelope& in, const Tasks& tasks);
  void take(const Tasks& tasks);
  void take_one(const TaskEntry& entry);
  void foreign_tasks(From from);
  void cancel(const Cancel& cancel);
  void claimed(TaskHandle handle, Held& task);
  void fill_pool();
  void check_returns();
  [[nodiscard]] bool executors_are_busy() const;
  [[nodiscard]] std::size_t wanted_back() const;
  [[nodiscard]] bool stays(TaskHandle handle, Held& task);

  // runner_outcomes.cpp
  void finish(const TaskFinished& task);
  void outcome(TaskHandle handle, Held& task, const TaskFinished& finished, Status status);
  void nack(TaskHandle handle, Held& task, NackReason reason, std::string_view note,
            std::uint64_t retry_ms = 0);
  void give_back(TaskHandle handle, Held& task);
  void tell(TaskHandle handle, const Held& task);
  void set_sinks(const std::vector<std::string>& endpoints);
  [[nodiscard]] std::uint32_t link_to(const std::string& endpoint);
  void limit_unlisted();
  void sweep_links();
  void collect_from_sinks();
  void confirmed(const OutcomeConfirmed& confirmed);

  // runner_drain.cpp
  void advance_drain();
  void ventilator_ended();
  void end(bool clean);

  const RunnerOptions options_;
  const Boot boot_;
  Random random_;
  Backoff backoff_;

  Phase phase_ = Phase::idle;
  Time now_{};  // of the last input
  bool clean_ = false;
  std::string trouble_;

  // The session.
  std::uint64_t tries_ = 0;  // n of the last HELLO
  LaneWish lanes_;
  std::string endpoint_;  // named by NOT_PRIMARY
  bool knows_log_ = false;
  Log log_{};
  Epoch epoch_{};
  Incarnation inc_{};
  Sid sid_{};
  std::optional<PreviousSession> previous_;
  Duration heartbeat_ = Timers{}.heartbeat, dead_ = Timers{}.dead(), fence_ = Timers{}.fence();
  FrameLimits frame_;
  std::optional<LaneAddress> lane_;
  std::uint64_t chunks_ = 0;  // of the INVENTORY
  std::uint64_t states_ = 0;  // n of the last STATE
  std::uint64_t lane_rx_ = 0, void_n_ = 0;
  std::uint64_t ping_echo_ = 0;
  bool state_due_ = false;
  Time progress_at_{};  // not before: the next PROGRESS
  Time open_at_{};      // closed: when to try again
  Time heard_{}, spoke_{};
  Time lane_rebuilt_{};
  Time error_at_{};  // not before: the next ERROR of ours

  // The tasks.
  HeldTasks held_;
  Ring<TaskHandle> queue_;      // phase queued; some may be gone
  Ring<TaskHandle> pool_;       // phase pooled, in the order of the shell's queue; some may be gone
  std::uint64_t claims_ = 0;    // claims accounted for
  std::size_t asked_back_ = 0;  // retract under way
  bool take_back_all_ = false;  // to find cancelled ones among them
  std::size_t overdue_ = 0;     // tasks at the pool's head that have waited too long
  bool frozen_ = true;
  Time returns_at_ = Time::max();       // when to see whether a task has waited too long
  std::vector<std::int32_t> type_map_;  // of a TASKS message
  WorkerCredit credit_;
  RunnerAcks acks_;

  std::vector<SinkLink> links_;
  std::vector<std::uint32_t> sink_links_;  // WELCOME's list -> links_
  std::optional<Draining> drain_;
  bool ends_with_ventilator_ = false;
  bool ventilator_ended_ = false;  // there is nobody left to tell

  Effects out_;
  EntryPool entries_;
  RunnerStats stats_;
};

}  // namespace sluice::core
