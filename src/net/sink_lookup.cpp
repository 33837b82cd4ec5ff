// sink_lookup.cpp: a line of the outcome file becomes the outcome it was.
// SPDX-License-Identifier: MIT
#include "net/sink_lookup.hpp"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <utility>

#include <sluice/command.hpp>

namespace sluice::net {
namespace {

// About a millisecond of reading: less than a disk needs for an fsync.
constexpr std::size_t kBytesPerTurn = std::size_t{1} << 20;

void tell(const store::StoredOutcome& stored, core::Collector& core) {
  const Outcome& outcome = stored.outcome;
  std::vector<std::byte> encoded;
  if (stored.command) encoded = stored.command->encode();
  core::StoreEntry entry;
  entry.log = outcome.id.log;
  entry.type = outcome.type;
  entry.producer = outcome.worker;
  core::OutcomeEntry& out = entry.outcome;
  out.seq = static_cast<core::Seq>(outcome.id.seq);
  out.attempt = outcome.attempt;
  out.status = static_cast<core::Status>(outcome.status);  // equal numbers
  out.flags = outcome.result_is_task || (stored.is_command && !stored.command)
                  ? core::kOutcomeWanted | core::kTaskPayload
                  : core::kOutcomeWanted;
  const auto since =
      std::chrono::duration_cast<std::chrono::microseconds>(outcome.started.time_since_epoch());
  out.started_us = static_cast<std::uint64_t>(std::max<std::int64_t>(since.count(), 0));
  out.run_us = static_cast<std::uint64_t>(std::max<std::int64_t>(outcome.run.count(), 0));
  out.key = outcome.key;
  out.error = outcome.error;
  out.payload = stored.command ? core::Bytes(encoded) : core::Bytes(outcome.result);
  core.found(entry);
}

}  // namespace

void SinkLookup::add(const std::vector<core::TaskKey>& tasks) {
  for (const core::TaskKey& task : tasks) {
    if (search_)
      search_->add(task);
    else
      gone_.push_back(task);
  }
}

void SinkLookup::step(std::uint64_t file_size, core::Collector& core,
                      const store::OutcomeIndex* index) {
  for (const core::TaskKey& task : std::exchange(gone_, {})) core.not_found(task);
  if (!search_ || !search_->busy()) return;
  search_->step(
      kBytesPerTurn, file_size, [&core](const store::StoredOutcome& found) { tell(found, core); },
      [&core](const core::TaskKey& task) { core.not_found(task); }, index);
}

}  // namespace sluice::net
