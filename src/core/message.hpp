// message.hpp: every message of the protocol as a plain value; bytes are wire's business.
// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "core/chunk.hpp"
#include "core/flags.hpp"
#include "core/ids.hpp"
#include "core/overloaded.hpp"

namespace sluice::core {

// Views (string_view, Bytes) inside a message point into the frame it was read
// from, or into the memory of the machine that sends it. They are good for one
// turn: whoever keeps something copies it. The hot messages keep their entries
// in vectors that are handed round and used again (see EntryPool).

inline constexpr std::uint64_t kMinorVersion = 0;

/// How a task ended. The numbers are the wire's.
enum class Status : std::uint8_t { done = 0, failed = 1, expired = 2, cancelled = 3 };

/// Codes of ERROR, BYE, CONFIRM and REPLY (docs/PROTOCOL.md, "Codes").
enum class Code : std::uint8_t {
  ok = 0,
  bad_frame = 1,
  bad_version = 2,
  bad_type = 3,
  too_large = 4,
  not_authorized = 5,
  unknown_session = 6,
  session_replaced = 7,
  stale_epoch = 8,
  split_brain = 9,
  credit_exceeded = 10,
  busy = 11,
  draining = 12,
  not_primary = 13,
  duplicate = 14,
  conflict = 15,
  expired = 17,
  unknown_task_type = 18,
  rejected = 19,
  defer = 20,
  internal = 21,
  lane = 24,
};

/// Why a worker says "again, please".
enum class NackReason : std::uint8_t {
  no_such_type = 1,
  undecodable = 2,
  failed = 3,
  timeout = 4,
  crashed = 5,
  shutdown = 6,
  expired = 7,
  overload = 8,
  outcome_rejected = 9,
  outcome_too_large = 10,
  cancelled = 11,
};

// --- worker -> ventilator -------------------------------------------------

enum class LaneWish : std::uint8_t { inline_only = 1, push = 2 };

struct PreviousSession {
  Log log{};
  Epoch epoch{};
  Sid sid{};
};
struct ResourceAmount {
  std::string name;
  std::uint64_t amount = 0;
};
struct Hello {  // n = try
  std::uint64_t minor = kMinorVersion;
  Boot boot{};
  std::string name, agent;
  std::vector<std::string> types;
  std::uint32_t slots = 1;
  std::vector<ResourceAmount> resources;
  LaneWish lanes = LaneWish::push;
  std::uint32_t flags = 0;  // kSilentWhileBusy
  std::optional<PreviousSession> previous;
};
inline constexpr std::uint32_t kSilentWhileBusy = 1;

enum class HeldState : std::uint8_t {
  queued = 0,
  running = 1,
  unconfirmed = 2,
  ack_open = 3,
  nack_open = 4
};
struct HeldTask {
  Seq seq{};
  Lease lease{};
  HeldState state{};
};
struct Inventory {  // n = chunk
  bool last = true;
  std::vector<HeldTask> held;
};
struct State {  // n = count
  std::uint64_t lane_rx = 0, tasks_limit = 0, bytes_limit = 0;
  std::uint64_t queued = 0, running = 0, retained = 0, retained_bytes = 0;
  std::uint64_t busy_ms = 0, ping_echo = 0;
};
struct AckEntry {
  Seq seq{};
  Lease lease{};
  Status status{};
};
struct Ack {  // n = ano
  std::vector<AckEntry> entries;
};
struct NackEntry {
  Seq seq{};
  Lease lease{};
  NackReason reason{};
  std::uint64_t retry_ms = 0;  // 0: the ventilator's own backoff
  bool started = false;
  std::string_view text;  // what went wrong, for people
};
struct Nack {  // n = ano
  std::vector<NackEntry> entries;
};
struct LeaseRef {
  Seq seq{};
  Lease lease{};
};
struct Return {  // n = ano
  std::vector<LeaseRef> entries;
};
struct Gap {
  std::uint64_t first = 0, last = 0;
};
struct Goodbye {
  Code reason = Code::ok;
};
struct ProgressEntry {
  Seq seq{};
  Lease lease{};
  std::string_view text;  // how far its handler is, for people
};
struct Progress {  // n = 0
  std::vector<ProgressEntry> entries;
};

// --- ventilator -> worker -------------------------------------------------

struct LaneAddress {
  std::uint32_t port = 0;
  std::optional<std::string> host;  // none: the host the worker reached the control port with
};
struct Welcome {  // n = try
  std::uint64_t minor = kMinorVersion;
  Log log{};
  Epoch epoch{};
  Incarnation inc{};
  std::uint64_t heartbeat_ms = 0, dead_ms = 0, fence_ms = 0, reclaim_ms = 0;
  std::optional<LaneAddress> lane;
  std::uint64_t max_frame = 0, max_entries = 0;
  std::vector<std::string> sinks;
};
enum class Verdict : std::uint8_t { drop = 1, settled = 2, re_leased = 3 };
struct VerdictEntry {
  Seq seq{};
  Lease lease{};
  Verdict verdict{};
};
struct Verdicts {  // n = chunk
  std::vector<VerdictEntry> entries;
};
struct TaskEntry {
  Seq seq{};
  Lease lease{};
  std::uint32_t attempt = 1, type_index = 0, flags = 0, sink = 0;
  std::uint64_t ttl_ms = 0, exec_ms = 0;  // 0 = none
  std::string_view key;                   // empty = nil
  Bytes payload;
};
struct Tasks {  // n = lane number, from 1; no entries = lane probe
  Epoch epoch{};
  std::uint64_t tasks_before = 0, bytes_before = 0, void_n = 0;
  std::vector<std::string_view> types;
  std::vector<TaskEntry> entries;
};
struct Acked {};  // n = cumulative ano
struct Ping {     // n = count
  std::uint64_t last_state = 0;
};
struct Cancel {
  std::vector<LeaseRef> entries;
};
struct Bye {
  Code code = Code::ok;
};
enum class DrainMode : std::uint8_t { finish = 0, return_queued = 1, stop = 2 };
struct Drain {
  DrainMode mode{};
  std::uint64_t ms = 0;
};
struct ErrorMessage {  // n = that of the culprit; may answer any message on any link
  Code code{};
  std::string text;
  std::uint64_t retry_ms = 0;
  std::optional<std::string> endpoint;
};

// --- producer of outcomes <-> sink ----------------------------------------

struct SinkOpen {  // n = try
  std::uint64_t minor = kMinorVersion;
  Boot boot{};
  std::string name, agent;
};
struct SinkOpened {  // n = try
  std::uint64_t minor = kMinorVersion;
  std::array<std::uint8_t, 16> sink_id{};
  std::uint64_t sink_epoch = 0, heartbeat_ms = 0, dead_ms = 0, max_frame = 0;
  std::uint64_t outcomes_limit = 0, bytes_limit = 0;
};
struct OutcomeEntry {
  Rsn rsn{};
  Seq seq{};
  Lease lease{};
  std::uint32_t attempt = 0, type_index = 0, flags = 0;
  Status status{};
  std::uint64_t started_us = 0;  // since 1970; 0 = never started
  std::uint64_t run_us = 0;
  std::string_view key;
  std::string_view error;  // why it is not done, for people
  Bytes payload;           // the result
};
struct Outcomes {  // n = count
  Log log{};
  Epoch epoch{};
  std::vector<std::string_view> types;
  std::vector<OutcomeEntry> entries;
};
struct ConfirmRange {
  Rsn first{}, last{};
};
struct ConfirmException {
  Rsn rsn{};
  Code code{};      // duplicate, defer, rejected, too_large
  Status status{};  // duplicate: the one that is stored
  std::uint64_t retry_ms = 0;
};
struct SinkConfirm {  // n = count
  std::vector<ConfirmRange> stored;
  std::vector<ConfirmException> exceptions;
  std::uint64_t outcomes_limit = 0, bytes_limit = 0;
};
struct SinkBeat {};    // producer -> sink
struct SinkBeaten {};  // sink -> producer
struct SeqRange {
  Seq first{}, last{};
};
struct Watch {  // n = count
  Log log{};
  std::vector<SeqRange> ranges;
  std::uint64_t seen = 0;  // n of the last WATCHED that was taken in
};
struct Watched {      // n = 1, 2, ... in its session
  Outcomes outcomes;  // rsn, lease and epoch are 0
  std::vector<std::string_view> workers;
  std::vector<std::uint32_t> worker_index;  // one for each entry
};
struct Floor {  // n = count
  Log log{};
  Seq floor{};
};

// --- client <-> ventilator ------------------------------------------------

struct ClientOpen {
  std::uint64_t minor = kMinorVersion;
  Boot boot{};
  std::string name, agent;
};
struct ClientOpened {
  std::uint64_t minor = kMinorVersion;
  Log log{};
  Epoch epoch{};
  Incarnation inc{};
  std::uint64_t heartbeat_ms = 0, dead_ms = 0, max_frame = 0, max_entries = 0, dedup_ms = 0;
  std::uint64_t tasks_limit = 0, bytes_limit = 0;
  bool durable = false;  // false: memory mode, a confirmed task lives as long as the process
  std::vector<std::string> sinks;  // endpoints; a task's outcome is at number (seq mod count)
};
struct SubmitOptions {
  std::uint64_t backoff_ms = 0, backoff_max_ms = 0;  // 0: the ventilator's defaults
  std::uint32_t max_losses = 0;                      // 0: the default
  std::vector<ResourceAmount> resources;
};
struct SubmitEntry {
  std::string_view key;
  std::uint32_t type_index = 0, flags = 0, priority = 0;
  std::uint64_t delay_ms = 0, ttl_ms = 0, exec_ms = 0;
  std::uint32_t max_attempts = 0;  // 0: the ventilator's default
  std::optional<SubmitOptions> options;
  Bytes payload;
};
struct Submit {  // n = cno
  std::vector<std::string_view> types;
  std::vector<SubmitEntry> entries;
};
struct SubmitException {
  std::uint32_t index = 0;
  Code code{};  // duplicate (seq = the first one's), conflict, too_large, busy, ...
  Seq seq{};
};
struct SubmitConfirm {  // n = cno
  Seq first{};
  std::vector<SubmitException> exceptions;
  std::uint64_t tasks_limit = 0, bytes_limit = 0;
};
struct Query {  // n = q
  std::string verb;
  std::vector<std::string> args;
};
struct Reply {  // n = q
  Code code{};
  std::string json;
};
struct CancelTasks {  // n = q
  std::vector<Seq> seqs;
};
struct CancelAnswer {
  Seq seq{};
  Code code{};
};
struct CancelReply {  // n = q
  std::vector<CancelAnswer> answers;
};
struct ClientBeat {};
struct ClientBeaten {
  std::uint64_t tasks_limit = 0, bytes_limit = 0;
};

using Message = std::variant<Hello, Inventory, State, Ack, Nack, Return, Gap, Goodbye, Progress,
                             Welcome, Verdicts, Tasks, Acked, Ping, Cancel, Bye, Drain,
                             ErrorMessage, SinkOpen, SinkOpened, Outcomes, SinkConfirm, SinkBeat,
                             SinkBeaten, Watch, Watched, Floor, ClientOpen, ClientOpened, Submit,
                             SubmitConfirm, Query, Reply, CancelTasks, CancelReply, ClientBeat,
                             ClientBeaten>;

/// A message with the two numbers of its header.
struct Envelope {
  Sid sid{};
  std::uint64_t n = 0;
  Message message;
};

/// Keeps the vectors of spent hot messages, so that a steady flow allocates nothing.
class EntryPool {
 public:
  /// An empty Tasks, Ack, Outcomes, ... with the capacity of an earlier one.
  template <typename M>
  [[nodiscard]] M take();
  /// Takes a spent message back; anything but a hot one is simply dropped.
  void give_back(Message&& message);

 private:
  static constexpr std::size_t kKeep = 64;
  std::vector<Tasks> tasks_;
  std::vector<Ack> acks_;
  std::vector<Outcomes> outcomes_;
  std::vector<Submit> submits_;
  std::vector<SinkConfirm> confirms_;
};

template <>
Tasks EntryPool::take<Tasks>();
template <>
Ack EntryPool::take<Ack>();
template <>
Outcomes EntryPool::take<Outcomes>();
template <>
Submit EntryPool::take<Submit>();
template <>
SinkConfirm EntryPool::take<SinkConfirm>();

}  // namespace sluice::core
