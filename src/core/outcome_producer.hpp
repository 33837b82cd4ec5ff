// outcome_producer.hpp: one producer's link to one sink: nothing is let go before it is stored.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/backoff.hpp"
#include "core/chunk.hpp"
#include "core/ids.hpp"
#include "core/message.hpp"
#include "core/options.hpp"
#include "core/random.hpp"
#include "core/rsn_index.hpp"
#include "core/time.hpp"

namespace sluice::core {

/// An outcome to be delivered. key, error and payload are copied; `type` must stay
/// where it is until the outcome is confirmed.
struct OutcomeDraft {
  Log log{};
  Epoch epoch{};  ///< of the lease
  Seq seq{};
  Lease lease{};
  std::uint32_t attempt = 0;
  Status status{};
  std::uint32_t flags = 0;  ///< kTerminal, kTaskPayload
  std::uint64_t started_us = 0;
  std::uint64_t run_us = 0;
  std::string_view type, key, error;
  Bytes payload;
};

/// The sink's last word on one outcome.
struct OutcomeConfirmed {
  std::uint64_t cookie = 0;  ///< as given to add()
  /// ok: stored. duplicate: another one was stored before, see `stored`. rejected: the handler
  /// refuses it for good. too_large: the sink's frames cannot hold it.
  Code code = Code::ok;
  Status stored{};  ///< what the sink holds; for ok and duplicate
};

struct OutcomeProducerOptions {
  Timers timers;                                       ///< until the sink names its own
  std::string name;                                    ///< for people
  std::string agent = "sluice";
  Duration reconnect_least = 50ms, reconnect_most = 5s;
  std::uint64_t max_entries = FrameLimits{}.max_entries;  ///< outcomes in one message
};

struct OutcomeProducerStats {
  std::uint64_t sessions = 0;   ///< OPENED so far
  std::uint64_t sent = 0;       ///< outcomes, resent ones included
  std::uint64_t resent = 0;
  std::uint64_t stored = 0, duplicates = 0, rejected = 0, deferred = 0;
  std::uint64_t errors = 0;     ///< ERRORs received
  std::uint64_t ignored = 0;    ///< messages that made no sense here or now
};

/// Delivers outcomes to one sink (docs/PROTOCOL.md, rules 2 and 4).
///
/// An outcome stays until the sink has confirmed it. Each session begins with OPEN
/// on a new socket; then everything unconfirmed is sent again. Within a session it is
/// sent again after 5 s, doubling up to 60 s, or when the sink said so (DEFER).
/// Credit counts the distinct outcomes and payload bytes sent in the session.
///
///   closed --start, or backoff over: open a socket, OPEN--> opening
///   opening --OPENED--> open          opening --nothing for D, or ERROR--> closed
///   open --silence for D, disconnected, UNKNOWN_SESSION, ...--> closed
///
/// The owner calls take_effects() after its inputs of a turn, and does what it says in
/// this order: close, open, sends. What it cannot send yet it keeps until close.
class OutcomeProducer {
 public:
  using Options = OutcomeProducerOptions;

  struct Effects {
    bool close = false;           ///< drop the socket and what waits on it
    bool open = false;            ///< make a new one, on a new connection
    std::vector<Envelope> sends;  ///< views in them are good until the next input
    std::vector<OutcomeConfirmed> confirmed;
  };

  /// `seed` must differ between producers, or they come back all at once.
  OutcomeProducer(Options options, const Boot& boot, std::uint64_t seed);

  /// Opens now, and again whenever the session is lost, until stop().
  void start(Time now);
  /// Closes; what is unconfirmed is kept for the next start().
  void stop();

  /// Keeps the outcome and sends it as soon as there is credit. No limit here: the
  /// owner watches retained() and retained_bytes(). `cookie` comes back with the answer.
  Rsn add(const OutcomeDraft& draft, std::uint64_t cookie, Time now);

  /// Tells the sink now, and at the start of every session, that all seq below are settled.
  void tell_floor(const Log& log, Seq floor);

  void receive(const Envelope& in, Time now);
  /// The connection is gone: a hint that saves waiting for D.
  void disconnected(Time now);
  void advance(Time now);
  /// After advance(t) it is later than t.
  [[nodiscard]] std::optional<Time> next_deadline() const;

  [[nodiscard]] Effects take_effects();
  /// Takes spent effects back, so that their vectors are used again.
  void recycle(Effects&& effects);
  /// The same for a message that was taken out of its effects.
  void recycle(Message&& message) { pool_.give_back(std::move(message)); }

  [[nodiscard]] bool is_open() const { return phase_ == Phase::open; }
  /// Outcomes not confirmed, and the bytes kept for them.
  [[nodiscard]] std::uint64_t retained() const { return index_.size(); }
  [[nodiscard]] std::uint64_t retained_bytes() const { return retained_bytes_; }
  [[nodiscard]] const OutcomeProducerStats& stats() const { return stats_; }

 private:
  enum class Phase : std::uint8_t { stopped, closed, opening, open };

  // An outcome, in a slot map; RsnIndex leads to it.
  struct Record {
    Seq seq{};
    Lease lease{};
    std::uint64_t cookie = 0;
    std::uint64_t started_us = 0, run_us = 0;
    std::string_view type;
    Slice bytes;  // key, error, payload
    std::uint32_t key_size = 0, error_size = 0;
    std::uint32_t attempt = 0, flags = 0;
    std::uint32_t lineage = 0;
    Status status{};
    std::uint8_t tries = 0;       // sends in this session, for the resend interval
    bool sent = false;            // in this session
    bool ever_sent = false;
    bool deferred = false;        // by the sink, since it was sent
    Time due{};                   // when sent: not again before
  };
  // The log and epoch an outcome belongs to; a message speaks of one only.
  struct Lineage {
    Log log{};
    Epoch epoch{};
    std::uint64_t outcomes = 0;
  };
  // Outcomes first..last may be due at that time; most are confirmed long before.
  struct Resend {
    Time at{};
    Rsn first{}, last{};
  };
  struct Later {
    bool operator()(const Resend& a, const Resend& b) const {
      return a.at != b.at ? a.at > b.at : a.first > b.first;
    }
  };

  void open();
  void lose(Duration at_least = Duration(0));
  void opened(const Envelope& in, const SinkOpened& opened);
  void confirm(const SinkConfirm& confirm);
  void stored(const ConfirmRange& range);
  void except(const ConfirmException& exception);
  void finish(Rsn rsn, Code code, Status status);
  void defer(const ConfirmException& exception);
  void error(const Envelope& in, const ErrorMessage& error);
  void send(std::uint64_t n, Message message);

  void send_unsent();
  void send_due();
  [[nodiscard]] bool covers(const Record& record) const;
  [[nodiscard]] std::uint64_t max_payload() const;
  void append(Rsn rsn, Record& record);
  [[nodiscard]] std::uint32_t type_index(std::string_view type);
  void flush_batch();
  void schedule(Time at, Rsn first, Rsn last);
  void drop_spent_resends();
  [[nodiscard]] Duration resend_interval(std::uint8_t tries);
  [[nodiscard]] std::uint32_t lineage_of(const Log& log, Epoch epoch);
  [[nodiscard]] static Bytes payload_of(const Record& record);

  const Options options_;
  const Boot boot_;
  Random random_;
  Backoff backoff_;

  Phase phase_ = Phase::stopped;
  Sid sid_{};
  std::uint64_t tries_ = 0;       // n of the last OPEN
  std::uint64_t count_ = 0;       // n of the last message of the session
  Duration heartbeat_{}, dead_{};
  Time open_at_{};                // closed: when to try again
  Time now_{};                    // of the last input
  Time heard_{}, spoke_{};
  std::uint64_t max_frame_ = 0;
  std::uint64_t outcomes_limit_ = 0, bytes_limit_ = 0;
  std::uint64_t outcomes_spent_ = 0, bytes_spent_ = 0;
  Rsn next_unsent_{1};            // everything below has been sent in this session, or is gone

  ChunkPool chunks_;              // before the records: outlives their slices
  std::vector<Record> records_;
  std::vector<std::uint32_t> free_;
  RsnIndex index_;
  std::vector<Lineage> lineages_;
  std::uint64_t retained_bytes_ = 0;
  std::string scratch_;           // key and error on their way into a slice
  std::vector<Resend> resends_;   // a heap, soonest first
  std::vector<Resend> due_;       // to be sent again with the next effects

  struct FloorNote {
    Log log{};
    Seq floor{};
  };
  std::vector<FloorNote> floors_;

  // The message under construction.
  Outcomes batch_;
  std::size_t batch_bytes_ = 0;
  std::uint32_t batch_lineage_ = 0;
  Rsn batch_first_{}, batch_last_{};
  Time batch_due_{};

  Effects out_;
  EntryPool pool_;
  OutcomeProducerStats stats_;
};

}  // namespace sluice::core
