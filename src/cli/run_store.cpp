// run_store.cpp: a group is one write, one sync, and then as many outcomes for the queue.
// SPDX-License-Identifier: MIT
#include "cli/run_store.hpp"

#include <chrono>

#include <sluice/error.hpp>
#include <sluice/sink.hpp>

#include "net/outcome_text.hpp"

namespace sluice::cli {

RunStore::RunStore(const std::string& path, OutcomeQueue& queue)
    : queue_(queue), file_({path}, [](const store::OutcomeFacts&) {}), size_(file_.size()) {}

void RunStore::take(const OutcomeView& outcome) {
  if (known_.contains(outcome.id)) return;
  if (!queue_.has_room()) throw Later(std::chrono::milliseconds(100), "printing is behind");
  const net::CommandText command(outcome);
  pending_.push_back({Outcome(outcome), file_.size() + file_.group_bytes()});
  file_.add(outcome, command.part());
}

void RunStore::commit() {
  std::vector<Pending> group;
  group.swap(pending_);
  bool later = false;
  try {
    later = file_.commit() == store::OutcomeFile::Commit::later;
  } catch (const Error&) {
    broken_ = true;
    throw;
  }
  if (later) throw Error(file_.trouble());
  size_ = file_.size();
  for (Pending& stored : group) {
    known_.insert(stored.outcome.id);
    queue_.push_anyway(std::move(stored.outcome), stored.place);
  }
}

}  // namespace sluice::cli
