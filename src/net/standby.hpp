// standby.hpp: a ventilator that waits for another one's journal.
// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <sluice/ventilator.hpp>

#include "core/standby.hpp"
#include "net/context.hpp"
#include "net/frame_buffer.hpp"
#include "net/ownership.hpp"
#include "net/poll_set.hpp"
#include "net/router.hpp"
#include "wire/codec.hpp"

namespace sluice::net {

/// Listens where its ventilator will, so that the address is known to be free and to lead here, and
/// tells whoever comes that it stands by and where the active one is. Belongs to one thread.
class Standby {
 public:
  /// Throws Error: the storage's locks cannot be trusted, the folder cannot be used, the journal
  /// is of another version, the active ventilator has other sinks, the address is taken.
  explicit Standby(VentilatorOptions options);
  ~Standby();
  Standby(const Standby&) = delete;
  Standby& operator=(const Standby&) = delete;

  /// Answers and looks for so long at most. True: the journal is ours, and nothing listens here
  /// any more. Throws Error if it is ours and cannot be used.
  [[nodiscard]] bool wait(std::chrono::milliseconds time);
  /// For the ventilator that is to be: with the address and the claim. After wait() said true.
  [[nodiscard]] VentilatorOptions take_options() { return std::move(options_); }

  /// "standby of NAME (...) since ...": for people.
  [[nodiscard]] std::string text() const;
  /// Where it listens, for others.
  [[nodiscard]] const std::string& endpoint() const { return record_.control; }
  /// What keeps it from taking over or from looking, for people; empty: nothing.
  [[nodiscard]] const std::string& trouble() const { return trouble_; }
  /// What it found odd at its start: sync options that differ.
  [[nodiscard]] const std::vector<std::string>& warnings() const { return warnings_; }

 private:
  void check_folder();
  void check_against_active();
  void answer();
  void answer(core::PeerId from, const core::Envelope& in);
  [[nodiscard]] bool look();
  [[nodiscard]] core::OwnerSight see();
  void try_lock(core::OwnerSight& sight);
  [[nodiscard]] bool take(bool fenced);
  void announce(core::Time now);

  VentilatorOptions options_;
  std::optional<store::OwnerFolder> folder_;
  std::optional<core::StandbyRule> rule_;
  wire::Codec codec_;
  std::shared_ptr<FramePool> frames_;
  std::optional<Router> router_;
  PollSet poll_;
  core::EntryPool pool_;
  store::OwnerRecord record_;
  store::OwnFile announced_;
  store::OwnerFolder::Seen seen_;
  std::shared_ptr<store::JournalLock> lock_;
  std::string trouble_;
  std::vector<std::string> warnings_;
  core::Time since_{}, look_at_{}, announce_at_{};
};

}  // namespace sluice::net
