// dispatcher.hpp: the ventilator's machine: who may run what, and what has become of it.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "core/backlog.hpp"
#include "core/client_session.hpp"
#include "core/dedup_window.hpp"
#include "core/dispatcher_effects.hpp"
#include "core/dispatcher_status.hpp"
#include "core/journal_record.hpp"
#include "core/message.hpp"
#include "core/misbehaviour.hpp"
#include "core/options.hpp"
#include "core/outcome_producer.hpp"
#include "core/placement.hpp"
#include "core/progress_board.hpp"
#include "core/random.hpp"
#include "core/ready_queue.hpp"
#include "core/run_time.hpp"
#include "core/task_table.hpp"
#include "core/timer_heap.hpp"
#include "core/worker_session.hpp"

namespace sluice::core {

/// Takes tasks in, leases them to workers under their credit, and keeps each until
/// its worker says that the sink holds its outcome.
///
///     submit -> READY --lease--> LEASED --ack--> settled
///                 ^ ^              | nack, worker lost, returned
///                 | '-- DELAYED <--'
///     READY or LEASED -> SETTLING -> settled   (expired, cancelled, losses exhausted)
///
/// One owner, one thread. Inputs never block and carry `now`, which must not fall.
/// The views in the effects are good until the next input. The rules stand in
/// docs/PROTOCOL.md; the parts of this class in dispatcher_*.cpp.
class Dispatcher {
 public:
  struct Identity {
    Log log{};
    Epoch epoch{};
    Incarnation inc{};
    Boot boot{};
  };
  Dispatcher(DispatcherOptions options, const Identity& identity, std::uint64_t seed);
  ~Dispatcher();
  Dispatcher(const Dispatcher&) = delete;
  Dispatcher& operator=(const Dispatcher&) = delete;

  // --- another life, from the journal: before any input ---------------------

  /// The numbers below are used up; tasks up to `dispatched` may be with a worker. Keys,
  /// answers and then tasks follow, the oldest first.
  void restore_numbers(Seq next, Seq dispatched);
  void restore(const JournalKey& key, Time now);
  void restore(const JournalAnswer& answer, Time now);
  void restore(const JournalTask& task, const JournalChange* change, Time now);
  /// After the last one. What may be with a worker waits until all of these, if they still
  /// run, have said what they hold, but for the reclaim time at most (rule 17).
  void restored(const std::vector<Boot>& workers, Time now);
  /// Before all of these: how to read tasks back of which only the journal has the bytes. It is
  /// called by any input and by take_effects(), and what it throws goes through.
  void load_with(Backlog::Loader loader) {
    backlog_.spill_beyond(options_.backlog_bytes, std::move(loader));
  }

  // --- inputs -------------------------------------------------------------

  /// A message from a connection of the control ROUTER.
  void receive(PeerId from, const Envelope& in, Time now);
  /// A frame from there that could not be read: counted, answered, three are too many (rule 12).
  void bad_frame(PeerId from, Code code, std::uint64_t n, std::string_view text, Time now);
  /// True while a peer is sent away: the shell need not even decode its frames.
  [[nodiscard]] bool ignores(PeerId from, Time now) { return misbehaviour_.ignored(from, now); }
  /// A message from sink number `sink`, answering our own outcomes.
  void receive_from_sink(std::size_t sink, const Envelope& in, Time now);
  /// The connection to that sink went.
  void sink_disconnected(std::size_t sink, Time now);
  /// The connection of a peer was seen to go, or it cannot be routed to: a hint.
  void peer_gone(PeerId peer, Time now);
  /// Answers to the effect open_lanes.
  void lane_opened(Sid sid, std::uint32_t port, std::optional<std::string> host, Time now);
  void lane_failed(Sid sid, Time now);

  /// Promises `count` numbers to a submitter in this process, against the limits.
  /// The first of them; nullopt when there is no room now.
  [[nodiscard]] std::optional<Seq> reserve(std::uint32_t count);
  /// The task for a promised number. Its type and entry are copied.
  Code submit(Seq reserved, std::string_view type, const SubmitEntry& entry, Time now);
  /// The submitter in this process will not use these numbers.
  void give_up(Seq first, Seq last);
  /// The task that a key of the dedup window belongs to.
  [[nodiscard]] std::optional<Seq> find_key(std::string_view key) const;
  /// Ends a task early, whoever holds it; false if it is not known (any more).
  bool cancel(Seq seq, Time now);

  /// Starts nothing more: what has not started ends as cancelled, now or when its worker
  /// gives it back. Running tasks are finished, or stopped too.
  void halt(bool stop_running, Time now);
  /// The journal cannot be written for now: what comes in is sent away, for this reason (BUSY),
  /// until it is empty again.
  void suspend_submits(std::string why) { suspended_ = std::move(why); }
  /// No more submits from now on; running and queued tasks go on.
  void drain() { draining_ = true; }
  /// Says BYE to every worker and client: the ventilator ends for good.
  void say_bye(Time now);

  /// Does whatever is due.
  void advance(Time now);

  /// The journal had no room for these records of the last effects: they come again with the
  /// next ones. To be called before any other input.
  void not_written(const JournalTurn& turn);
  /// The ventilator ends: what could have waited is among the next effects.
  void write_all() { write_is_due_ = true; }

  // --- outputs ------------------------------------------------------------

  [[nodiscard]] std::optional<Time> next_deadline() const;
  /// Dispatches what can go, and hands over all that is to be done, in order.
  DispatcherEffects take_effects(Time now);
  void recycle(DispatcherEffects&& effects);

  /// Tasks that are not settled, promised numbers not counted.
  [[nodiscard]] std::size_t unsettled() const { return tasks_.count() + backlog_.count(); }
  /// It would take one more task.
  [[nodiscard]] bool has_room() const { return !draining_ && suspended_.empty() && !is_full(); }
  /// After a restart: workers of the last life have not come back yet, nor been given up.
  [[nodiscard]] bool is_recovering() const { return !absent_.empty(); }
  /// Alarms set, stale ones included.
  [[nodiscard]] std::size_t alarm_count() const { return timers_.count(); }
  [[nodiscard]] std::size_t worker_count() const { return by_peer_.size(); }
  [[nodiscard]] const DispatcherCounters& counters() const { return counters_; }
  [[nodiscard]] DispatcherStatus status(Time now) const;
  [[nodiscard]] const Identity& identity() const { return identity_; }

 private:
  friend class DispatcherAudit;  // a test's eye on the invariants between the members

  // dispatcher.cpp
  WorkerSession* session_of(PeerId from, Sid sid);
  void heard(WorkerSession& session, Time now);
  void answer_unknown_session(PeerId from, const Envelope& in, Time now);
  void error(PeerId to, Sid sid, std::uint64_t n, Code code, std::string text,
             std::uint64_t retry_ms = 0);
  void to_peer(PeerId peer, Sid sid, std::uint64_t n, Message message);
  void to_worker(WorkerSession& session, std::uint64_t n, Message message, Time now);
  void scan(Time now);
  std::uint32_t intern_type(std::string_view name);

  // dispatcher_sessions.cpp: a worker comes, says what it holds, and goes
  void on(PeerId from, const Envelope& in, const Hello& hello, Time now);
  void on(WorkerSession& session, const Envelope& in, const Inventory& inventory, Time now);
  void on(WorkerSession& session, const Envelope& in, const State& state, Time now);
  void on(WorkerSession& session, const Envelope& in, const Goodbye& goodbye, Time now);
  std::uint32_t new_session(PeerId from, const Hello& hello, std::uint64_t hello_try, Time now);
  void welcome(WorkerSession& session, Time now);
  void reconcile(WorkerSession& session, const HeldTask& held, Time now);
  void finish_reconcile(WorkerSession& session, std::uint64_t chunk, Time now);
  void start_probe(WorkerSession& session, Time now);
  void watch(WorkerSession& session, Time now);
  void check_lane(WorkerSession& session, Time now);
  void close_session(std::uint32_t index);

  // dispatcher_losses.cpp: leases taken back
  void cut(WorkerSession& session, Time now);
  void lose(std::uint32_t index, Time now);
  bool charge_loss(TaskSlot slot, const WorkerSession& session, bool alone, Time now);
  void refund_losses(const Boot& boot);
  [[nodiscard]] bool may_have_started(const WorkerSession& session, TaskSlot slot,
                                      std::uint32_t position, Time now) const;
  [[nodiscard]] bool may_be_running(TaskSlot slot, Time now) const;
  void requeue_unstarted(WorkerSession& session, Time now);
  void revoke(TaskSlot slot);
  void make_ready(TaskSlot slot, bool front, Time now);
  void requeue_lane_range(WorkerSession& session, std::uint64_t first, std::uint64_t last,
                          Time now);

  // dispatcher_acks.cpp: what workers say of their leases
  void on(WorkerSession& session, const Envelope& in, const Ack& ack, Time now);
  void on(WorkerSession& session, const Envelope& in, const Nack& nack, Time now);
  void on(WorkerSession& session, const Envelope& in, const Return& back, Time now);
  void on(WorkerSession& session, const Envelope& in, const Gap& gap, Time now);
  void on(WorkerSession& session, const Progress& progress, Time now);
  void nacked(TaskSlot slot, const NackEntry& entry, const WorkerSession& session, Time now);
  bool note_ano(WorkerSession& session, std::uint64_t ano);

  // dispatcher_leases.cpp: who gets what
  void dispatch(Time now);
  void dispatch_type(std::uint32_t type, Time now);
  void dispatch_suspects(Time now);
  std::uint32_t session_for_trial(const TaskRecord& task);
  std::size_t fill(WorkerSession& session, std::uint32_t type, std::uint64_t most, Time now);
  void lease(WorkerSession& session, TaskSlot slot, Tasks& batch, Time now);
  void send_batch(WorkerSession& session, Tasks&& batch, Time now);

  // dispatcher_clients.cpp: submitters elsewhere
  void on(PeerId from, const Envelope& in, const ClientOpen& open, Time now);
  void on(ClientSession& client, const Envelope& in, const Submit& submit, Time now);
  void on(ClientSession& client, const Envelope& in, const CancelTasks& cancel, Time now);
  void on(ClientSession& client, const Envelope& in, const Query& query, Time now);
  void grant(ClientSession& client);
  void grant_waiting(Time now);
  Code accept(Seq seq, std::string_view type, const SubmitEntry& entry, Time now);
  Code take_and_fail(Seq seq, std::string_view type, const SubmitEntry& entry, Time now);
  void want(Seq seq, Time now);
  [[nodiscard]] Code check(std::string_view type, const SubmitEntry& entry) const;
  [[nodiscard]] bool is_full() const;
  [[nodiscard]] std::uint64_t free_tasks() const;  // neither taken nor promised
  [[nodiscard]] std::uint64_t free_bytes() const;
  void count_refusal(Code code);

  // dispatcher_backlog.cpp: tasks far from their turn
  [[nodiscard]] bool is_far(std::uint32_t type, std::uint32_t priority) const;
  [[nodiscard]] bool wants_run(std::uint32_t type, const Backlog::Front& front) const;
  void refill(std::uint32_t type, Time now);
  void open_run(const Backlog::Front& front, std::uint32_t type, Time now);
  void cancel_far(Time now);
  TaskSlot take_slot(const Backlog::Entry& entry);
  TaskSlot bring(Seq seq);
  [[nodiscard]] bool is_unsettled(Seq seq) const;
  [[nodiscard]] std::size_t bytes_in_memory() const { return tasks_.bytes() + backlog_.bytes(); }

  // dispatcher_journal.cpp: what is written of a turn, and read at the next start
  void note_changed(TaskSlot slot);
  void note_ending(TaskSlot slot, Status status, std::string_view why);
  void note_settled(TaskSlot slot);
  void note_worker(const Boot& boot, bool joined);
  void note_dispatched(Seq seq);
  [[nodiscard]] bool writes_journal(Time now);
  void write_journal(Time now);
  void send_acked(Time now);
  [[nodiscard]] JournalTask journal_task(const TaskRecord& task) const;
  [[nodiscard]] JournalTask journal_task(const Backlog::Entry& entry) const;
  [[nodiscard]] std::uint64_t fingerprint_of(std::string_view key, std::string_view type,
                                             Bytes payload) const;
  [[nodiscard]] JournalChange journal_change(const TaskRecord& task) const;
  [[nodiscard]] WallMs wall(Time at) const;
  [[nodiscard]] Time time_of(WallMs at) const;
  void inventory_complete(const Boot& boot, Time now);
  void end_recovery(Time now);
  void release(TaskSlot slot, Time now);

  // dispatcher_settling.cpp: outcomes that no worker can send
  void settle_here(TaskSlot slot, Status status, std::string_view why, Time now);
  void end_early(TaskSlot slot, Status status, std::string_view why, Time now);
  void settled(TaskSlot slot, Status status);
  // How a task is to end, as it goes through a producer in a cookie.
  struct Ending {
    Status status{};
    bool with_payload = true;
    [[nodiscard]] std::uint64_t cookie(Seq seq) const;
  };
  void produce(const TaskRecord& task, Ending ending, std::string_view why, Time now);
  bool confirmed(const OutcomeConfirmed& answer, Time now);
  void take_from_producer(std::size_t sink, Time now);
  void detach(TaskSlot slot);
  void ring(const TimerHeap::Alarm& alarm, Time now);
  [[nodiscard]] bool is_stale(const TimerHeap::Alarm& alarm) const;
  [[nodiscard]] WorkerStatus worker_status(const WorkerSession& session, Time now) const;
  void set_task_timer(TimerHeap::Kind kind, Time at, TaskSlot slot);

  DispatcherOptions options_;
  Identity identity_;
  Random random_;
  bool draining_ = false;
  std::string suspended_;            // why no submit is taken for now
  std::optional<DrainMode> halted_;  // what workers are told
  bool started_ = false;

  TaskTable tasks_;
  std::vector<ReadyQueue> ready_;       // by type
  Backlog backlog_;                     // what is ready behind all these
  std::vector<TaskSlot> opened_;        // of a run, reused
  std::vector<TaskSlot> suspects_;      // ready, to be run alone (case 23)
  std::deque<std::string> type_names_;  // a deque: views of them must stay good
  std::map<std::string, std::uint32_t, std::less<>> type_ids_;
  std::vector<RunTime> run_times_;  // by type
  std::uint64_t ready_count_ = 0, delayed_count_ = 0, settling_count_ = 0;
  std::uint64_t reserved_local_ = 0;
  std::uint32_t next_type_ = 0;  // whose turn it is
  std::uint64_t next_lease_ = 1;
  TimerHeap timers_;

  std::deque<WorkerSession> sessions_;
  std::vector<std::uint32_t> free_sessions_;
  std::map<PeerId, std::uint32_t> by_peer_;
  std::map<Boot, std::uint32_t> by_boot_;
  std::map<Sid, std::uint32_t> by_sid_;
  std::vector<std::uint32_t> acked_due_;  // sessions that are owed an ACKED this turn
  Placement placement_{sessions_};
  std::uint32_t sid_counter_ = 0;
  std::size_t lanes_ = 0;
  struct LostBoot {
    Boot boot{};
    std::vector<Seq> charged;
  };
  ProgressBoard progress_;
  std::vector<LostBoot> lost_boots_;  // the last few, for refunds (rule 13)

  std::map<PeerId, ClientSession> clients_;
  bool clients_starved_ = false;
  KeyWindow keys_;
  SubmitWindow submits_;

  // For the journal: what this turn has touched, and what has been written ahead.
  std::vector<Seq> taken_, changed_, settled_;
  struct Answer {
    Boot boot{};
    std::uint64_t cno = 0;
    SubmitConfirm confirm;
  };
  std::vector<Answer> answered_, told_answers_;
  using Endings = std::map<Seq, std::pair<Status, std::string>>;
  Endings endings_;           // of tasks that settle, until they are settled
  bool new_endings_ = false;  // the journal does not have all of them
  std::optional<Time> written_by_;  // records wait until then at most
  bool write_is_due_ = false;
  std::uint64_t numbers_below_ = 0, dispatched_upto_ = 0;

  // After a restart.
  Seq dispatched_before_{};   // by the last life, at most
  std::vector<Seq> awaited_;  // held back: a worker may have them
  std::set<Boot> absent_;     // workers whose inventories are waited for
  Time recovery_ends_{};

  std::vector<std::unique_ptr<OutcomeProducer>> producers_;  // by sink
  Misbehaviour misbehaviour_;
  ErrorLimiter error_limiter_;

  DispatcherCounters counters_;
  DispatcherEffects effects_;
  EntryPool pool_;
  Time next_scan_{};
};

}  // namespace sluice::core
