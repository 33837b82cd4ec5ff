// collector.hpp: the rules of a sink: one outcome per task, stored first, confirmed after.
// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/collector_ledger.hpp"
#include "core/ids.hpp"
#include "core/interval_set.hpp"
#include "core/message.hpp"
#include "core/misbehaviour.hpp"
#include "core/options.hpp"
#include "core/store_entry.hpp"
#include "core/time.hpp"
#include "core/watch_shelf.hpp"

namespace sluice::core {

/// What became of one StoreEntry.
struct StoreAnswer {
  enum class Code : std::uint8_t {
    stored,  ///< it will survive whatever the store promises to survive
    later,   ///< not now; the producer keeps it and asks again after retry_ms
    never,   ///< refused for good; a terminal entry counts as stored all the same
  };
  Code code = Code::stored;
  std::uint64_t retry_ms = 0;
};

struct CollectorStats {
  std::uint64_t producers = 0, logs = 0;  // now
  std::uint64_t storing = 0;              // now: handed to the store, unanswered
  std::uint64_t stored = 0, duplicates = 0, deferred = 0, rejected = 0;  // outcomes answered so
  std::uint64_t unknown_session = 0, credit_exceeded = 0, refused_frames = 0, ignored = 0;
  std::uint64_t lost_producers = 0;  // silent for longer than D
  std::uint64_t full = 0;            // told to wait: the table of producers or of logs is full
  std::uint64_t awaited = 0;         // now: pairs of a watcher and a task not sent to it
  std::uint64_t shelf = 0, shelf_bytes = 0;  // now: outcomes kept for watchers
  std::uint64_t shelf_dropped = 0;           // for newer ones, before anybody had acknowledged them
  std::uint64_t watched = 0;                 // outcomes sent to watchers, those sent again included
  std::uint64_t lookups = 0, gone = 0;       // asked of the shell; and of them not found
};

/// How far known_slice() has got.
struct KnownCursor {
  bool begun = false;
  Log log{};
  Seq at{};
  bool log_done = false;
};

/// The sink's machine (docs/PROTOCOL.md, rule 4, and message 25, and "Sink, per (log, seq)").
///
/// Per producer it keeps a session: credit, and when it was heard last. Per log
/// it keeps a ledger of what is stored. A session is all it knows of a
/// producer: one that fell silent is forgotten without harm, because the
/// producer opens anew and sends what it holds again.
///
/// A session may be a watcher's, too. What it waits for is sent when it is stored, and stays on
/// a shelf until it is acknowledged, the session lives or not; what is no longer there is looked
/// up.
///
/// One turn: receive() each message, take_effects() and hand `store` to the
/// store, stored() with the answers, advance(), take_effects() again for the confirms and
/// the outcomes that watchers wait for, send. Nothing is confirmed before stored() has said so;
/// while something is handed to the store all confirms wait for it, so that a producer gets one a
/// turn.
class Collector {
 public:
  struct Send {
    PeerId to{};
    Envelope envelope;
  };
  struct Effects {
    std::vector<StoreEntry> store;
    std::vector<Send> sends;  ///< after whatever of `store` they rest on, by construction
    /// Outcomes stored earlier that a watcher waits for: to be answered with found() or
    /// not_found(), in any order and in later turns. At most CollectorOptions::max_awaited are
    /// open.
    std::vector<TaskKey> lookups;
  };
  using SinkId = std::array<std::uint8_t, 16>;

  /// `sink_id` and `sink_epoch` name this start of the sink to its producers.
  Collector(CollectorOptions options, const SinkId& sink_id, Epoch sink_epoch);

  /// One line of the file, read back before the first receive().
  void restore(const Log& log, Seq seq, Status status);
  /// What an earlier start told by known_slice(), likewise.
  void restore(const KnownSlice& slice);
  /// Some of what is known to be stored, some `pages` pages of a ledger, for a checkpoint. All
  /// slices from a fresh cursor to `false` tell of everything that was stored before the first of
  /// them, and perhaps of some that was stored since.
  [[nodiscard]] bool known_slice(KnownCursor& cursor, std::size_t pages, KnownSlice& out) const;

  void receive(PeerId from, const Envelope& in, Time now);
  /// The codec refused a frame of this peer: `code` says why, `n` is the frame's if it had one.
  void refused(PeerId from, Code code, std::uint64_t n, Time now);
  /// True while frames of this peer need not even be read.
  [[nodiscard]] bool ignores(PeerId from, Time now) { return misbehaviour_.ignored(from, now); }
  /// Answers the oldest unanswered StoreEntries, in their order.
  void stored(std::span<const StoreAnswer> answers);
  /// Answers to Effects::lookups. The entry's views are copied.
  void found(const StoreEntry& entry);
  void not_found(const TaskKey& key);
  /// A send found no such connection any more.
  void unreachable(PeerId peer);

  void advance(Time now);
  [[nodiscard]] std::optional<Time> next_deadline() const;
  [[nodiscard]] Effects take_effects();
  /// Takes spent effects back, so that their vectors are used again.
  void recycle(Effects&& effects);

  [[nodiscard]] CollectorStats stats() const;

 private:
  friend class CollectorAudit;  // a test's eye on the invariants between the members
  struct Watching;
  struct Session {
    Sid sid{};
    std::uint64_t tried = 0;
    std::unique_ptr<std::string> name;  // its address is in StoreEntries
    Time heard{};
    IntervalSet received, answered;                        // rsns of this session
    std::uint64_t received_bytes = 0, answered_bytes = 0;  // their payloads
    std::uint64_t confirms = 0;                            // n of the last CONFIRM
    std::vector<ConfirmRange> ranges;
    std::vector<ConfirmException> exceptions;
    bool dirty = false;                  // has something to confirm
    std::unique_ptr<Watching> watching;  // only if it has sent a WATCH
  };
  // What a session waits for, and what it was sent.
  struct Watching {
    struct Sent {
      std::uint64_t n = 0, bytes = 0;
      std::vector<TaskKey> keys;
    };
    std::map<TaskKey, bool> awaited;  // not sent to it yet; whether it is in `ready`
    std::deque<TaskKey> ready;        // of them those that are stored, in that order
    std::deque<Sent> sent;            // not acknowledged
    std::uint64_t sent_bytes = 0;
    std::uint64_t last_n = 0;
    bool dirty = false;  // there may be something to send
  };
  // Who asked for an outcome to be stored.
  struct Asker {
    PeerId peer{};
    Sid sid{};
    Rsn rsn{};
    std::uint64_t bytes = 0;
  };
  struct Pending {
    Asker asker;
    Log log{};
    CollectorLedger* ledger = nullptr;
    Seq seq{};
    Status status{};
    Known before = Known::unseen;
    bool terminal = false;
    std::unique_ptr<ShelfItem> copy;  // if somebody waits for it
  };
  struct Waiter {
    Asker asker;
    bool terminal = false;
  };

  void open(PeerId from, const Envelope& in, const SinkOpen& open, Time now);
  void opened(PeerId to, const Session& session);
  void outcomes(PeerId from, Session& session, const Envelope& in, const Outcomes& batch);
  [[nodiscard]] bool take_credit(Session& session, const OutcomeEntry& entry);
  void outcome(PeerId from, Session& session, const Outcomes& batch, const OutcomeEntry& entry,
               CollectorLedger& ledger);
  CollectorLedger* ledger_of(const Log& log);
  Session* session_of(const Asker& asker);
  void settle(Session& session, const Asker& asker);
  void confirm(const Asker& asker);
  void except(const Asker& asker, const ConfirmException& exception);
  void answer_waiters(const Pending& pending, StoreAnswer::Code code, std::uint64_t retry_ms);
  void mark(PeerId peer, Session& session);
  void flush_confirms();
  // collector_watch.cpp
  void watch(PeerId from, Session& session, const Envelope& in, const Watch& watch);
  void seen(Watching& watching, std::uint64_t n);
  [[nodiscard]] bool await(PeerId from, Watching& watching, const TaskKey& key);
  [[nodiscard]] bool is_awaited(const TaskKey& key) const;
  void shelve(Pending& pending);
  void ready(const TaskKey& key);
  void look_up(const TaskKey& key);
  void mark_watcher(PeerId peer, Watching& watching);
  void flush_watched();
  void send_watched(PeerId to, Session& session);
  [[nodiscard]] bool append(Watched& out, std::size_t bytes, const TaskKey& key,
                            const ShelfItem& item) const;
  void forget_watching(PeerId peer, const Watching& watching);
  void error(PeerId to, Code code, std::uint64_t n, std::uint64_t retry_ms, std::string text,
             Time now);
  void send(PeerId to, Sid sid, std::uint64_t n, Message message);
  void forget(std::map<PeerId, Session>::iterator at);
  void forget_silent(Time now);

  const CollectorOptions options_;
  const SinkId sink_id_;
  const Epoch sink_epoch_;
  std::uint32_t sid_counter_ = 0;
  std::map<PeerId, Session> sessions_;
  std::map<Log, CollectorLedger> ledgers_;
  std::size_t restored_logs_ = 0;
  std::vector<Pending> pending_;                        // in the order of their StoreEntries
  std::size_t answered_ = 0;                            // of pending_, from its front
  std::multimap<std::pair<Log, Seq>, Waiter> waiters_;  // copies that came meanwhile
  std::vector<PeerId> dirty_;
  WatchShelf shelf_;
  std::set<std::pair<TaskKey, PeerId>> awaiting_;  // every Watching::awaited
  std::set<TaskKey> looking_;                      // asked of the shell
  std::vector<PeerId> dirty_watchers_;
  std::vector<std::unique_ptr<std::string>> old_names_;  // StoreEntries may still show them
  Time sweep_at_{};                                      // no session is silent for D before that
  Misbehaviour misbehaviour_;
  ErrorLimiter errors_;
  Effects out_;
  EntryPool pool_;
  CollectorStats stats_;
  // What is used over and over in a flow of outcomes.
  Log cached_log_{};
  CollectorLedger* cached_ledger_ = nullptr;
};

}  // namespace sluice::core
