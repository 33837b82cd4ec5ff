// submitter.hpp: the rules of a client: a task is kept until the ventilator has confirmed it.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
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
#include "core/time.hpp"

namespace sluice::core {

/// A task on its way to a ventilator. The views are copied.
struct NewTask {
  std::uint64_t cookie = 0;  ///< the caller's own; comes back with the answer
  std::string_view type, key;
  Bytes payload;
  std::uint32_t priority = 0, max_attempts = 0;
  std::uint64_t delay_ms = 0, ttl_ms = 0, exec_ms = 0;
  bool wanted = false;  ///< the caller will watch for its outcome
};

/// What the ventilator made of one task.
struct SubmitAnswer {
  std::uint64_t cookie = 0;
  Code code{};  ///< ok; duplicate (seq is the first one's); or why it was refused
  Seq seq{};    ///< for ok and duplicate
};
struct QueryAnswer {
  std::uint64_t cookie = 0;
  Code code{};  ///< the ventilator's; expired: no answer in time; unknown_session: the link broke
                ///< after it was asked, so nobody knows whether it was heard
  std::string json;
};
struct CancelDone {
  std::uint64_t cookie = 0;
  Code code{};  ///< as for QueryAnswer
  std::vector<CancelAnswer> answers;
};

struct SubmitterStats {
  std::uint64_t unconfirmed = 0, unconfirmed_bytes = 0;  // now
  std::uint64_t confirmed = 0, duplicates = 0, refused = 0, resent_batches = 0;
  std::uint64_t sessions = 0, refused_frames = 0;
};

/// The client's machine (docs/PROTOCOL.md, rules 1, 2 and 18).
///
/// Tasks leave in SUBMITs of what is ready, and each SUBMIT is kept as it is under its
/// number (cno) until its CONFIRM: what is sent again, on this connection or the next, is the
/// same message of the same boot, so the ventilator knows it and nothing doubles. A silent
/// or broken connection is replaced by a new socket; the session, and its credit, begin anew.
class Submitter {
 public:
  enum class Link : std::uint8_t {
    keep,
    close,  ///< close the socket; there will be another
    open,   ///< close what there is, open a new socket, and send on it
  };
  struct Effects {
    Link link = Link::keep;       ///< first this,
    std::vector<Envelope> sends;  ///< then these
    std::vector<SubmitAnswer> answers;
    std::vector<QueryAnswer> replies;
    std::vector<CancelDone> cancels;
    Log log{};  ///< of the answers' seqs
  };
  enum class Taken : std::uint8_t {
    yes,
    full,       ///< as much is unconfirmed as may be: wait for answers
    too_large,  ///< no frame of this ventilator can hold it
  };

  Submitter(SubmitterOptions options, const Boot& boot, std::uint64_t seed);

  /// Opens the first connection.
  void start(Time now);
  /// The answer comes later, and exactly once, unless this returns anything but `yes`.
  [[nodiscard]] Taken submit(const NewTask& task, Time now);
  /// Both are answered once, at `deadline` at the latest. What was sent already is not repeated on
  /// a new connection, except for `status`: not everything that can be asked may be asked twice.
  void query(std::uint64_t cookie, Query query, Time deadline, Time now);
  void cancel(std::uint64_t cookie, std::vector<Seq> seqs, Time deadline, Time now);

  void receive(const Envelope& in, Time now);
  /// The codec refused a frame: as if it had not come, but counted.
  void refused() { ++stats_.refused_frames; }
  /// The connection broke, or the other side does not want it.
  void link_lost(Time now);
  /// Somebody has said where the ventilator is now: an attempt elsewhere is given up, and a wait
  /// for the next one is over. A session stays as it is.
  void try_again(Time now);

  void advance(Time now);
  [[nodiscard]] std::optional<Time> next_deadline() const;
  [[nodiscard]] Effects take_effects();
  void recycle(Effects&& effects);

  /// True while there is a session.
  [[nodiscard]] bool ready() const { return phase_ == Phase::ready; }
  /// What OPENED said last; zeroes before the first one.
  [[nodiscard]] const ClientOpened& opened() const { return opened_; }
  /// The last ERROR, for people; `ok` if there was none since the last OPENED.
  [[nodiscard]] const ErrorMessage& last_error() const { return last_error_; }
  [[nodiscard]] const SubmitterStats& stats() const { return stats_; }

 private:
  enum class Phase : std::uint8_t { idle, waiting, opening, ready };
  struct Held {
    Slice bytes;  // type, key, payload
    std::uint64_t cookie = 0;
    std::uint32_t type_size = 0, key_size = 0;
    std::uint32_t priority = 0, max_attempts = 0;
    std::uint64_t delay_ms = 0, ttl_ms = 0, exec_ms = 0;
    bool wanted = false;
    [[nodiscard]] std::string_view type() const { return as_text(bytes.bytes().first(type_size)); }
    [[nodiscard]] std::string_view key() const {
      return as_text(bytes.bytes().subspan(type_size, key_size));
    }
    [[nodiscard]] Bytes payload() const { return bytes.bytes().subspan(type_size + key_size); }
  };
  struct Batch {
    std::uint64_t cno = 0;
    std::vector<Held> tasks;  // empty: confirmed
    std::uint64_t bytes = 0;  // payloads and keys: what credit counts
    bool sent = false;        // in this session
    bool ever_sent = false;
    Time send_at{};  // again, if not confirmed by then
    Duration wait{};
  };
  struct Question {
    std::uint64_t cookie = 0;
    bool is_cancel = false;
    Message message;  // until it is sent for the last time
    bool sent = false;
    Time deadline{};
    bool repeatable = false;  // asking again changes nothing
  };

  // submitter.cpp: the session
  void connect(Time now);
  void reconnect(Time now, Duration at_least = Duration{});
  void on(const Envelope& in, const ClientOpened& opened, Time now);
  void on(const Envelope& in, const ErrorMessage& error, Time now);
  void take_limits(std::uint64_t tasks, std::uint64_t bytes);
  void ask(Question question, Time now);
  void send_questions(Time now);
  void answer_question(std::map<std::uint64_t, Question>::iterator at, Code code, std::string json,
                       std::vector<CancelAnswer> answers);
  void send(std::uint64_t n, Message message, Time now);

  // submitter_batches.cpp: tasks
  void pump(Time now);
  [[nodiscard]] bool covers(std::size_t tasks, std::uint64_t bytes) const;
  void start_over();
  [[nodiscard]] bool fill(Batch& batch);
  void send_batch(Batch& batch, Time now);
  void resend_due(Time now);
  Batch* find_batch(std::uint64_t cno);
  void on(const Envelope& in, const SubmitConfirm& confirm, Time now);
  [[nodiscard]] bool refuse_batch(std::uint64_t cno, const ErrorMessage& error, Time now);
  void answer(const Held& task, Code code, Seq seq);
  void finish(Batch& batch);
  [[nodiscard]] bool too_large(std::size_t payload) const;

  const SubmitterOptions options_;
  const Boot boot_;
  Random random_;
  Backoff backoff_;

  Phase phase_ = Phase::idle;
  Sid sid_{};
  std::uint64_t try_ = 0;  // n of the last OPEN
  Time phase_until_{};     // waiting: connect then; opening: give up then
  Time heard_{}, said_{};
  Duration heartbeat_{}, dead_{};
  ClientOpened opened_;
  ErrorMessage last_error_;

  std::uint64_t tasks_limit_ = 0, bytes_limit_ = 0;  // of this session
  std::uint64_t tasks_sent_ = 0, bytes_sent_ = 0;
  std::uint64_t beats_ = 0;

  ChunkPool chunks_;
  std::deque<Held> ready_;     // in no SUBMIT yet
  std::deque<Batch> batches_;  // by cno
  std::uint64_t last_cno_ = 0;
  std::size_t unsent_from_ = 0;           // batches before this one are sent in this session
  std::optional<Time> hold_until_;        // the ventilator was full: no new SUBMIT before
  Time resend_at_ = Time::max();          // no batch is due before that
  std::vector<std::vector<Held>> spent_;  // answered, but a message on its way may show them
  std::vector<std::vector<Held>> spare_;
  std::vector<const SubmitException*> by_index_;
  std::string scratch_;

  std::map<std::uint64_t, Question> questions_;
  std::uint64_t last_question_;

  Effects out_;
  EntryPool pool_;
  SubmitterStats stats_;
};

}  // namespace sluice::core
