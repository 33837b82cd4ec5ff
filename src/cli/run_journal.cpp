// run_journal.cpp: reading a run's folder back, and keeping what follows from it.
// SPDX-License-Identifier: MIT
#include "cli/run_journal.hpp"

#include <chrono>
#include <filesystem>

#include <sluice/command.hpp>
#include <sluice/error.hpp>

#include "cli/exit_code.hpp"
#include "net/entropy.hpp"
#include "store/journal.hpp"
#include "store/outcome_line.hpp"

namespace sluice::cli {
namespace {

std::uint64_t now_ms() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::milliseconds>(now).count());
}

[[noreturn]] void foreign_joblog(const std::string& path) {
  throw Error("the joblog '" + path +
              "' is not what this run wrote: give another file, or remove it, and all that is "
              "done is logged again");
}

}  // namespace

CommandResult result_of(const Outcome& outcome) {
  CommandResult result;
  if (!outcome.result_is_task) {
    if (auto decoded = CommandResult::decode(outcome.result)) return std::move(*decoded);
  }
  if (outcome.result_is_task && outcome.status != Status::done) {
    result.end = CommandResult::End::not_started;
    result.exit_code = kExitOwnError;
    result.error = outcome.error;
    if (auto command = Command::decode(outcome.result))
      result.display = std::move(command->display);
  }
  return result;
}

CommandResult result_of(const store::StoredOutcome& stored) {
  if (stored.command) return *stored.command;
  CommandResult result;
  result.end = CommandResult::End::not_started;
  result.exit_code = kExitOwnError;
  result.error = stored.outcome.error;
  return result;
}

JobLogEntry joblog_entry(std::uint64_t number, const Outcome& outcome, const CommandResult& result,
                         bool remote) {
  JobLogEntry entry;
  entry.seq = number;
  entry.host = remote && !outcome.result_is_task ? outcome.worker : ":";
  entry.start =
      std::chrono::duration_cast<std::chrono::microseconds>(outcome.started.time_since_epoch());
  entry.runtime = result.wall.count() > 0 ? result.wall : outcome.run;
  entry.received = result.out.size() + result.err.size();
  entry.signal = result.signal;
  entry.exit_code = result.signal != 0 ? 0 : result.exit_code;
  entry.command = result.display;
  return entry;
}

RunJournal::RunJournal(const RunJournalOptions& options, OutcomeQueue& queue)
    : options_(options), folder_(options.folder, options.identity) {
  const bool fresh = folder_.is_new();
  printed_.emplace(folder_.printed(), fresh);
  if (!options_.joblog.empty()) {
    joblog_.emplace(options_.joblog, fresh ? JobLog::Open::fresh : JobLog::Open::append);
    if (!fresh && std::filesystem::is_regular_file(options_.joblog))
      old_joblog_.emplace(options_.joblog, std::ios::binary);
  }
  if (!options_.outcomes.empty() && fresh)
    static_cast<void>(OutcomeCopy(options_.outcomes, "/dev/null", true));
  folder_.begin();
  if (!options_.results.empty()) filed_.emplace(folder_.filed(options_.results), fresh);
  store_.emplace(folder_.outcomes(), queue);
  lines_.emplace(folder_.outcomes());
  read_outcomes();
  if (!options_.outcomes.empty()) {
    copy_.emplace(options_.outcomes, folder_.outcomes(), false);
    copy();
  }
  carry_over();
}

void RunJournal::read_outcomes() {
  if (std::string header; old_joblog_ && std::getline(*old_joblog_, header)) {
    if (header + '\n' != kJobLogHeader) foreign_joblog(options_.joblog);
  }
  lines_->each([this](std::string_view line, std::uint64_t place) { read_outcome(line, place); });
  if (std::string more; old_joblog_ && std::getline(*old_joblog_, more))
    foreign_joblog(options_.joblog);
  old_joblog_.reset();
}

void RunJournal::read_outcome(std::string_view line, std::uint64_t place) {
  const auto facts = store::read_outcome_line(line);
  if (!facts) return;  // the store has read them all, and found them good
  store_->known().insert(facts->id);
  const auto key = read_command_key(facts->key);
  if (!key) return;  // somebody else's, submitted through the access file
  if (facts->status == Status::cancelled) return;  // it is still to be run
  history_.note(*key, facts->status != Status::done, place, printed_->marked(place),
                filed_ && filed_->marked(place));
  if (joblog_) catch_up(*key, line);
}

// The joblog has a line for each outcome, in their order; behind its end they are made.
void RunJournal::catch_up(const CommandKey& key, std::string_view line) {
  std::string logged;
  if (old_joblog_ && std::getline(*old_joblog_, logged)) {
    const auto entry = parse_joblog_line(logged);
    if (!entry || entry->seq != key.number) foreign_joblog(options_.joblog);
    return;
  }
  old_joblog_.reset();  // what it gets from here on is ours
  if (const auto stored = store::read_whole_outcome(line))
    joblog_->write(joblog_entry(key.number, stored->outcome, result_of(*stored),
                                stored->command && stored->outcome.worker != ":"));
}

// What has its outcome in the file is settled, whatever the ventilator was told; what has none it
// goes on with. Its worker has died with the run, and workers that had joined have lost the sink's
// address with it: nobody is waited for.
void RunJournal::carry_over() {
  if (!std::filesystem::exists(folder_.journal() + "/journal.db")) return;
  store::JournalOptions options;
  options.folder = folder_.journal();
  options.create = false;
  options.fresh_log = net::random_id<core::Log>();
  options.now_ms = now_ms();
  options.holder = "sluice run";
  store::Journal journal(options);
  core::JournalTurn turn;
  turn.now_ms = options.now_ms;
  // A copy of the whole folder goes on under a new log; its outcomes are of the old one.
  const core::Log log = journal.facts().copied ? journal.facts().log_before : journal.facts().log;
  store::JournalVisitor visitor;
  visitor.task = [&](const core::JournalTask& task, const core::JournalChange*) {
    const auto key = read_command_key(task.key);
    if (!key) return;
    if (store_->known().contains({log, core::raw(task.seq)}))
      turn.settle(task.seq);
    else
      carried_[digest_of(key->digest, key->occurrence)] = core::raw(task.seq);
  };
  visitor.worker = [&](const core::Boot& boot) { turn.workers_left.push_back(boot); };
  journal.replay(visitor);
  if (!turn.empty() && journal.append(turn) == store::Journal::Append::full)
    throw Error("the journal " + folder_.journal() + " has no room: " + journal.trouble());
}

std::string RunJournal::key_of(const RunHistory::Past& past, std::uint64_t number) const {
  return to_text({past.digest, past.occurrence, number}, folder_.start());
}

std::optional<std::uint64_t> RunJournal::take_carried(const RunHistory::Past& past) {
  const auto at = carried_.find(digest_of(past.digest, past.occurrence));
  if (at == carried_.end()) return std::nullopt;
  const std::uint64_t seq = at->second;
  carried_.erase(at);
  return seq;
}

std::vector<std::uint64_t> RunJournal::take_all_carried() {
  std::vector<std::uint64_t> all;
  for (const auto& [id, seq] : carried_) all.push_back(seq);
  carried_.clear();
  return all;
}

void RunJournal::deliver(const Outcome& outcome, bool remote) {
  const auto key = read_command_key(outcome.key);
  if (key && joblog_ && outcome.status != Status::cancelled)
    joblog_->write(joblog_entry(key->number, outcome, result_of(outcome), remote));
}

void RunJournal::copy() {
  if (copy_) copy_->advance(store_->size());
}

store::StoredOutcome RunJournal::read(std::uint64_t place) const {
  auto stored = store::read_whole_outcome(lines_->at(place));
  if (!stored)
    throw Error("the outcome at byte " + std::to_string(place) + " of " + folder_.outcomes() +
                " is damaged");
  return std::move(*stored);
}

}  // namespace sluice::cli
