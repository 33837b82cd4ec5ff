// journal_model.hpp: what a journal must give back, from the turns that it has taken.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <utility>
#include <vector>

#include "core/ids.hpp"
#include "core/journal_record.hpp"
#include "sim/plan.hpp"

namespace sluice::sim {

/// Of one ventilator, over all its lives. A turn is in the journal whole or not at all, and they
/// are there in order: so what a life finds is what one of the last turns left. Which ones are
/// possible depends on how the life before ended, and on --sync. Throws Broken.
class JournalModel {
 public:
  /// What the journal has of an unsettled task, apart from how it was accepted.
  struct Facts {
    std::uint32_t executions = 0, failures = 0, losses = 0;
    core::WallMs not_before_ms = 0;
    bool wanted = false, cancel = false, suspect = false, settling = false;
    friend bool operator==(const Facts&, const Facts&) = default;
  };
  /// All unsettled tasks, by number.
  using State = std::vector<std::pair<core::Seq, Facts>>;

  explicit JournalModel(const Plan& plan) : plan_(plan) {}

  /// A turn is about to be written, which would leave that.
  void appending(State after) {
    doubtful_ = std::move(after);
    synced_meanwhile_ = false;
  }
  /// It was, or a part of it.
  void appended(State after, Time now);
  /// Another life begins: until it has found something nothing is known.
  void begins() { is_known_ = false; }
  /// All turns up to now are safe from everything.
  void synced();
  /// The last turns that were not synced may be gone.
  void may_have_lost() { lossy_ = true; }
  /// A turn is over: nothing may be unsynced for longer than was promised.
  void check_age(Time now) const;

  /// Another life has found that. `now_ms`: delays that are over by then are the same as none.
  void restored(const State& found, core::WallMs now_ms);
  /// Turns are gone that had been written.
  [[nodiscard]] bool has_lost() const { return has_lost_; }
  /// What was last written.
  [[nodiscard]] const State& newest() const { return newest_; }

 private:
  struct Turn {
    Time at{};
    bool young = false;  // a sync has come while it was written
    std::vector<std::pair<core::Seq, std::optional<Facts>>> changes;
  };
  [[nodiscard]] std::optional<std::size_t> find(const State& found, core::WallMs now_ms) const;

  const Plan& plan_;
  State safe_, newest_;
  std::deque<Turn> since_;  // from `safe_` to `newest_`
  std::optional<State> doubtful_;
  bool synced_meanwhile_ = false;
  bool is_known_ = false, lossy_ = false, has_lost_ = false;
};

}  // namespace sluice::sim
