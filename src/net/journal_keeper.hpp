// journal_keeper.hpp: a ventilator's journal at work: read at the start, written in each turn.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <string>

#include <sluice/ventilator.hpp>

#include "core/dispatcher.hpp"
#include "store/journal.hpp"

namespace sluice::net {

/// Stands between a Dispatcher and its Journal. Belongs to the loop's thread.
class JournalKeeper {
 public:
  /// Opens the journal that the options name; its next life begins. Throws Error.
  JournalKeeper(const VentilatorOptions& options, const core::Log& fresh_log,
                store::JournalOwner owner = {});
  /// The same of a journal that is named by itself; `sync_every` counts with that mode only.
  JournalKeeper(const store::JournalOptions& journal, core::Duration sync_every);

  [[nodiscard]] const store::JournalFacts& facts() const { return journal_.facts(); }
  /// Milliseconds since 1970 at core::Time{}.
  [[nodiscard]] std::uint64_t wall_at_zero() const { return wall_at_zero_; }

  /// Tells a fresh machine what the last life left. Throws Error if the journal is damaged.
  void restore_into(core::Dispatcher& core, core::Time now);
  /// Writes a turn's records before anything of its effects is carried out. What could not be
  /// written is given back to the machine, and the confirms that rest on it are withheld.
  /// Throws Error when the journal can no longer be trusted: then nothing may be sent.
  void keep(core::DispatcherEffects& effects, core::Dispatcher& core, core::Time now);
  /// Writes what could wait for a later turn, since there is none. Nobody is told BYE, nor anything
  /// else: they wait for the next life, and hear it from that one. Throws as keep().
  void write_rest(core::Dispatcher& core, core::Time now);
  /// What can wait, in small pieces, after a turn's sends. True if there is more.
  [[nodiscard]] bool tidy(core::Time now);
  [[nodiscard]] core::Time next_deadline() const;

  struct Status {
    std::string folder, sync, trouble;
    store::JournalStats stats;
  };
  [[nodiscard]] Status status();

 private:
  void load(core::SeqRange range, std::uint32_t expected, const core::Backlog::Visit& visit);
  enum class Written : std::uint8_t { nothing, without_tasks, all };
  [[nodiscard]] Written append(core::JournalTurn& turn, core::Dispatcher& core);
  void tell_room(core::Dispatcher& core) const;
  void withhold(core::DispatcherEffects& effects);

  const std::string folder_;
  const store::JournalSync sync_;
  const core::Duration sync_every_;
  std::uint64_t wall_at_zero_;
  const std::function<void()> may_send_;  // throws if the journal belongs to somebody else
  store::Journal journal_;
  core::JournalTurn unwritten_;  // reused
  bool owes_ = false;            // tasks were taken that are not in the journal yet
  bool behind_ = false;          // the last turn is not in the journal at all
  std::deque<core::DispatcherEffects::ToPeer> withheld_, withheld_acks_;
  std::optional<core::Time> sync_at_;
  core::Time forget_at_{}, tidy_at_{};
};

}  // namespace sluice::net
