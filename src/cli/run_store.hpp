// run_store.hpp: the outcomes of a run that keeps a journal: first on disk, then to be printed.
// SPDX-License-Identifier: MIT
#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <vector>

#include <sluice/outcome.hpp>

#include "cli/outcome_queue.hpp"
#include "store/known_tasks.hpp"
#include "store/outcome_file.hpp"

namespace sluice::cli {

/// What a sink's handler and its before_confirm do: a group of outcomes is synced to the file, and
/// only then are its outcomes handed on, in the order of the file. What nobody has on disk is
/// printed nowhere.
class RunStore {
 public:
  /// Throws Error as store::OutcomeFile does.
  RunStore(const std::string& path, OutcomeQueue& queue);

  /// What is in the file; to be filled before the sink has any outcome.
  [[nodiscard]] store::KnownTasks& known() { return known_; }

  // In the sink's thread.
  /// Throws Later.
  void take(const OutcomeView& outcome);
  /// Throws Error if nothing was stored: the outcomes come again.
  void commit();

  // From any thread.
  /// Bytes of the file that stay.
  [[nodiscard]] std::uint64_t size() const { return size_; }
  /// True if the file is closed for good: commit() says why, and nothing more is stored.
  [[nodiscard]] bool broken() const { return broken_; }

 private:
  struct Pending {
    Outcome outcome;
    std::uint64_t place = 0;
  };
  OutcomeQueue& queue_;
  store::OutcomeFile file_;
  store::KnownTasks known_;
  std::vector<Pending> pending_;
  std::atomic<std::uint64_t> size_;
  std::atomic<bool> broken_{false};
};

}  // namespace sluice::cli
