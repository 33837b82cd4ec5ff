// dispatcher_watch.hpp: looks at a ventilator's machine before and after each input.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "core/dispatcher.hpp"
#include "core/dispatcher_audit.hpp"
#include "sim/journal_model.hpp"
#include "sim/truth.hpp"

namespace sluice::sim {

/// Says which changes an input may make to which tasks (docs/PROTOCOL.md, section 5), apart from
/// how the machine makes them. Whatever else changes is a broken rule.
class DispatcherWatch {
 public:
  /// `journal`: null if it has none.
  DispatcherWatch(const core::Dispatcher& machine, const Plan& plan, Truth& truth,
                  JournalModel* journal, core::WallMs wall_at_zero);

  /// Each is to be called after the machine had that input.
  void received(core::PeerId from, const core::Envelope& in, Time now);
  void peer_gone(core::PeerId peer);
  /// Of a sink: nothing may change before the effects are taken.
  void heard_from_sink();
  void advanced(Time now);
  /// Effects were taken: what was sent, and what sinks have confirmed.
  void took(const core::DispatcherEffects& effects, Time now);
  void halted();

  // With a journal.
  /// The machine knows what the last life left.
  void restored(Time now);
  /// Before the records of a turn are written ...
  void appending(const core::DispatcherEffects& effects);
  /// ... and after: what stays among the effects rests on them.
  void kept(const core::DispatcherEffects& effects, Time now);

 private:
  struct Seen {
    core::Seq seq{};
    core::TaskState state{};
    core::Lease lease{};
    core::Sid sid{};
    std::uint32_t executions = 0, failures = 0, losses = 0;
    std::uint32_t position = 0;  // among those its session holds
    std::uint64_t lane_n = 0;
    bool cancel = false, awaits = false;
    friend bool operator==(const Seen& a, const Seen& b) {
      return a.seq == b.seq && a.state == b.state && a.lease == b.lease && a.sid == b.sid &&
             a.executions == b.executions && a.failures == b.failures && a.losses == b.losses &&
             a.cancel == b.cancel && a.awaits == b.awaits;
    }
  };
  // What is known of a session from outside.
  struct Session {
    core::Boot boot{};
    core::PeerId peer{};
    Time heard{}, busy_until{};
    bool is_cut = false;  // seen to go
    std::uint32_t slots = 1;
    std::uint64_t sent = 0, sent_bytes = 0, limit = 0, bytes_limit = 0, lane_n = 0, state_n = 0;
    std::uint64_t lane_rx = 0;  // what has come of what was sent, as it says, or was declared lost
    Time asked{};               // by the first PING since then
    Time lane_short_since{};    // since when that is less and does not grow
    Time trusted_since{};       // since when it is no suspect
    std::uint32_t held = 0;     // tasks, when it went or was lost
    std::set<std::pair<core::Seq, core::Lease>> inventory;
  };
  struct Change {
    const Seen* before;
    const Seen* after;
  };
  [[nodiscard]] JournalModel::Facts facts_of(const core::TaskRecord& task) const;
  [[nodiscard]] JournalModel::State written() const;
  [[nodiscard]] core::WallMs wall(Time at) const;
  void check_sent(const core::Tasks& tasks) const;
  void look();
  void compare();
  void audit();
  [[noreturn]] void illegal(const Seen& task, const std::string& why) const;
  [[nodiscard]] static bool same_counts(const Seen& a, const Seen& b);
  [[nodiscard]] static bool is_open(const Seen& task);  // ready, or delayed, or on its way out
  void only(const std::function<bool(const Seen&, const Seen&)>& legal, const char* input);
  void gone(bool allowed, const core::Ack* named);
  void on_submit(Time now);
  void on_hello(core::PeerId from, const core::Hello& hello, Time now);
  void on_inventory(core::Sid sid, const core::Inventory& inventory);
  void on_nack(core::Sid sid, const core::Nack& nack, Time now);
  void on_time(const Seen& before, const Seen& after, Time now);
  void explain(const Seen& task);
  void lost(const Seen& before, const Seen& after, Time now);
  void overdue(core::Sid sid, Session& it, Time now) const;
  void sent_tasks(core::Sid sid, std::uint64_t n, const core::Tasks& tasks, Time now);
  [[nodiscard]] std::uint32_t held_before(core::Sid sid) const;
  [[nodiscard]] const core::TaskRecord& record(core::Seq seq) const;
  [[nodiscard]] const core::WorkerSession* session(core::Sid sid) const;

  const core::Dispatcher& machine_;
  core::DispatcherAudit audit_;
  const Plan& plan_;
  Truth& truth_;
  const core::Log log_;
  std::vector<Seen> before_, after_;
  std::vector<Change> changes_;
  std::vector<const Seen*> gone_, fresh_;
  std::map<core::Sid, Session> sessions_;
  std::map<core::Seq, Time> not_before_;
  std::map<core::Boot, std::set<core::Seq>> charged_;  // losses, by the boot that was lost
  std::uint64_t settled_[4] = {};
  core::Lease newest_lease_{};
  JournalModel* const journal_;
  const core::WallMs wall_at_zero_;
  Time began_{};  // its recovery
  bool writes_ = false;
  bool halted_ = false;
};

}  // namespace sluice::sim
