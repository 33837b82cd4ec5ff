// truth.hpp: what everybody has been told, seen from outside, and whether it fits together.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "core/ids.hpp"
#include "core/message.hpp"
#include "sim/network.hpp"
#include "sim/plan.hpp"
#include "store/outcome_reader.hpp"

namespace sluice::sim {

/// A rule was broken. What is in the text names tasks as "task #number", where that fits.
struct Broken : std::runtime_error {
  using std::runtime_error::runtime_error;
};
[[noreturn]] void broken(const std::string& what);

/// One process: a host and how many others ran there before.
struct Life {
  Host host = 0;
  std::uint32_t number = 0;
  friend auto operator<=>(const Life&, const Life&) = default;
};

/// Knows the facts that no role knows alone. Each function takes in one fact, and throws Broken
/// if it cannot stand beside the others.
class Truth {
 public:
  explicit Truth(const Plan& plan) : plan_(plan), tokens_(plan.tasks.size()) {}

  void born(const core::Boot& boot, Life life) { boots_[boot] = life; }
  [[nodiscard]] Life life_of(const core::Boot& boot) const { return boots_.at(boot); }

  // A ventilator.
  void log_begins(const core::Log& log, Host host);
  /// Of a log in a journal: another life has it now.
  void next_life(const core::Log& log, core::Epoch epoch);
  /// Its journal has these tasks, the only ones that are left. `may_lose`: what was confirmed,
  /// too, and that others were settled.
  void restored(const core::Log& log, const std::vector<core::Seq>& seqs, bool may_lose);
  /// Whoever had the task may have begun it, or may yet, and is not waited for any more.
  void may_run_again(const core::Log& log, core::Seq seq, std::optional<Life> holder = {});
  /// Its sink has forgotten with which status it ended.
  [[nodiscard]] bool is_below_floor(const core::Log& log, core::Seq seq) const {
    return raw(seq) < logs_.at(log).floor;
  }
  void log_ends(const core::Log& log);
  /// All of its tasks are to end as cancelled, if they have not started.
  void log_halted(const core::Log& log);
  [[nodiscard]] bool is_alive(const core::Log& log) const;
  void accepted(const core::Log& log, core::Seq seq, core::Bytes payload, std::string_view key,
                Time now);
  void cancel_asked(const core::Log& log, core::Seq seq);
  void losses(const core::Log& log, core::Seq seq, std::uint32_t count);
  void sent(const core::Log& log, const core::TaskEntry& entry, Life to);
  /// The ventilator has let go of the task. The status its sink holds.
  core::Status settled(const core::Log& log, core::Seq seq);

  // A worker.
  void started(Life life, const core::Log& log, core::Seq seq, std::uint32_t attempt,
               core::Bytes payload, std::string_view key);
  void ended_ok(const core::Log& log, core::Seq seq, std::uint32_t attempt);
  void failed(const core::Log& log, core::Seq seq);
  void stopped(Life life, const core::Log& log, core::Seq seq);
  void worker_died(Life life) { dead_workers_.insert(life); }
  void acked(const core::Log& log, const core::AckEntry& entry);

  // A sink.
  /// What its disk holds for good, whole; called when it may have grown.
  void on_disk(Host sink, std::string_view content);
  /// `stored`: as the sink has said; nothing if it is not to be compared.
  void confirmed(const core::Log& log, core::Seq seq, std::optional<core::Status> stored);
  void floor_told(const core::Log& log, core::Seq floor);
  /// After a restart: all that was ever confirmed must be there.
  void read_back(Host sink, std::string_view content);

  // A client.
  void submitted(std::uint32_t token, Life by);
  void answered(std::uint32_t token, core::Code code, const core::Log& log, core::Seq seq);
  void outcome_came(std::uint32_t token, const core::Log& log, const core::OutcomeEntry* outcome);
  void client_died(Life life);

  /// All is over: what must have come true by now.
  void finish() const;

  [[nodiscard]] const TaskPlan& plan_of(std::uint32_t token) const { return plan_.tasks[token]; }
  [[nodiscard]] std::uint64_t stored_count() const { return stored_count_; }
  [[nodiscard]] std::uint64_t lost_with_log() const;
  // Of one task, for scenarios: in the log that has it now, or had it last.
  [[nodiscard]] std::optional<core::Status> stored(std::uint32_t token) const;
  [[nodiscard]] std::string stored_error(std::uint32_t token) const;
  [[nodiscard]] bool is_settled(std::uint32_t token) const;
  [[nodiscard]] std::uint32_t times_started(std::uint32_t token) const;
  [[nodiscard]] std::optional<core::Code> answer(std::uint32_t token) const {
    return tokens_[token].answer;
  }
  [[nodiscard]] core::TaskKey id_of_task(std::uint32_t token) const {
    return {tokens_[token].log, tokens_[token].seq};
  }
  [[nodiscard]] bool outcome_was_told(std::uint32_t token) const {
    return tokens_[token].outcome_came;
  }
  [[nodiscard]] std::uint64_t executions() const { return executions_; }
  /// It was confirmed, and a power failure took it back as --sync says that it may.
  [[nodiscard]] bool was_lost(std::uint32_t token) const { return tokens_[token].lost; }

 private:
  struct Stored {
    core::Status status{};
    Host sink = 0;
    std::string error, result;
    bool confirmed = false;
  };
  struct Task {
    std::uint32_t token = 0;
    Time accepted{};
    bool cancel_asked = false;
    std::uint32_t losses = 0, failures = 0;
    std::set<std::uint32_t> ok_attempts;
    std::map<Life, std::uint32_t> sends, starts;
    std::optional<Stored> stored;
    bool settled = false;
    bool lost = false;  // with the last turns of a journal, or before they were written
    std::set<Life> overtaken;  // who may still start what was taken back
    std::vector<Life> unexplained;  // who has started it; another start needs a reason
  };
  struct LogTruth {
    Host host = 0;
    bool alive = true;
    core::Epoch epoch{};
    std::uint64_t floor = 0;
    std::map<core::Seq, Task> tasks;
    std::set<core::Lease> leases;
    std::map<std::string, std::pair<core::Seq, Time>> keys;
  };
  struct Token {
    bool submitted = false, orphaned = false;  // orphaned: its client is no more
    Life by;
    std::optional<core::Code> answer;
    core::Log log{};
    core::Seq seq{};
    bool outcome_came = false, lost = false;
    std::map<core::Log, std::set<core::Seq>> accepted;
  };
  [[nodiscard]] const Task* find(std::uint32_t token) const;
  /// The task whose payload it has: itself, unless it is a twin.
  [[nodiscard]] std::uint32_t first_of(std::uint32_t token) const;
  Task& task(const core::Log& log, core::Seq seq, const char* who);
  void explain(const Task& task, const Stored& stored,
               const store::StoredOutcome& line) const;
  void read_line(Host sink, std::string_view line);

  const Plan& plan_;
  void lose(LogTruth& where, const core::Log& log, core::Seq seq, bool may_lose);
  std::map<core::Boot, Life> boots_;
  std::set<Life> dead_workers_;
  std::map<core::Log, LogTruth> logs_;
  std::vector<Token> tokens_;
  std::map<Host, std::size_t> read_;  // bytes of each disk
  std::uint64_t stored_count_ = 0, executions_ = 0;
};

/// The payload of a task, and what its handler returns.
[[nodiscard]] std::string payload_of(const Plan& plan, std::uint32_t token);
[[nodiscard]] std::optional<std::uint32_t> token_of(core::Bytes payload);
[[nodiscard]] std::string result_of(const Plan& plan, std::uint32_t token, std::uint32_t attempt);
/// The token in a result.
[[nodiscard]] std::optional<std::uint32_t> token_of_result(core::Bytes result);

[[nodiscard]] std::string name_of(std::uint32_t token);
[[nodiscard]] std::string name_of(const core::Log& log, core::Seq seq);

}  // namespace sluice::sim
