// journal_keeper.cpp: replay, group commits, and what a full disk means for those who submit.
// SPDX-License-Identifier: MIT
#include "net/journal_keeper.hpp"

#include <algorithm>
#include <utility>
#include <variant>
#include <vector>

#include <unistd.h>

#include <sluice/error.hpp>

#include "net/clock.hpp"
#include "net/identity.hpp"

namespace sluice::net {
namespace {

constexpr core::Duration kForgetEvery = std::chrono::minutes(1);
constexpr core::Duration kTidyEvery = std::chrono::seconds(1);
constexpr std::size_t kMostWithheld = 100'000;  // a CONFIRM beyond is lost, and asked for again

store::JournalSync sync_of(const VentilatorOptions& options) {
  if (options.journal_sync == VentilatorOptions::kNeverSync) return store::JournalSync::never;
  return options.journal_sync.count() == 0 ? store::JournalSync::always
                                           : store::JournalSync::interval;
}

store::JournalOptions journal_options(const VentilatorOptions& options, const core::Log& fresh,
                                      store::JournalOwner owner) {
  store::JournalOptions out;
  out.folder = options.journal;
  out.sync = sync_of(options);
  out.fresh_log = fresh;
  out.owner = std::move(owner);
  out.now_ms = Clock::wall_us() / 1000;
  out.holder = (options.name.empty() ? default_name() : options.name) + ", process " +
               std::to_string(::getpid());
  return out;
}

}  // namespace

JournalKeeper::JournalKeeper(const VentilatorOptions& options, const core::Log& fresh_log,
                             store::JournalOwner owner)
    : JournalKeeper(journal_options(options, fresh_log, std::move(owner)), options.journal_sync) {}

JournalKeeper::JournalKeeper(const store::JournalOptions& journal, core::Duration sync_every)
    : folder_(journal.folder),
      sync_(journal.sync),
      sync_every_(sync_every),
      wall_at_zero_(Clock::wall_us() / 1000 - core::to_ms(Clock::now() - core::Time{})),
      may_send_(journal.owner.before_write),
      journal_(journal) {}

void JournalKeeper::restore_into(core::Dispatcher& core, core::Time now) {
  core.load_with([this](core::SeqRange range, std::uint32_t expected,
                        const core::Backlog::Visit& visit) { load(range, expected, visit); });
  core.restore_numbers(facts().next_seq, facts().dispatched_up_to);
  std::vector<core::Boot> workers;
  store::JournalVisitor visitor;
  visitor.key = [&](const core::JournalKey& key) { core.restore(key, now); };
  visitor.answer = [&](const core::JournalAnswer& answer) { core.restore(answer, now); };
  visitor.task = [&](const core::JournalTask& task, const core::JournalChange* change) {
    core.restore(task, change, now);
  };
  visitor.worker = [&](const core::Boot& boot) { workers.push_back(boot); };
  journal_.replay(visitor);
  core.restored(workers, now);
  tell_room(core);
  forget_at_ = now + kForgetEvery;
}

// Tasks whose bytes only the journal has.
void JournalKeeper::load(core::SeqRange range, std::uint32_t expected,
                         const core::Backlog::Visit& visit) {
  std::uint32_t found = 0;
  store::JournalVisitor visitor;
  visitor.task = [&](const core::JournalTask& task, const core::JournalChange*) {
    if (visit(core::packed(task))) ++found;
  };
  journal_.load(range, visitor);
  if (found == expected) return;
  throw Error("the journal in " + folder_ + " has lost " +
              std::to_string(expected - found) + " tasks between " +
              std::to_string(core::raw(range.first)) + " and " +
              std::to_string(core::raw(range.last)) +
              ": end the ventilator, and see `sluice journal verify`");
}

JournalKeeper::Written JournalKeeper::append(core::JournalTurn& turn, core::Dispatcher& core) {
  if (journal_.append(turn) == store::Journal::Append::stored) return Written::all;
  // Settling frees room, and what was taken can wait: nobody has been told of it.
  unwritten_.clear();
  unwritten_.tasks_taken.swap(turn.tasks_taken);
  unwritten_.submits_answered.swap(turn.submits_answered);
  const bool rest = journal_.append(turn) == store::Journal::Append::stored;
  if (!rest) core.not_written(turn);
  core.not_written(unwritten_);
  return rest ? Written::without_tasks : Written::nothing;
}

void JournalKeeper::tell_room(core::Dispatcher& core) const {
  const bool has_room = !owes_ && journal_.has_room();
  core.suspend_submits(has_room ? "" : "the journal's disk is full: " + journal_.trouble());
}

void JournalKeeper::keep(core::DispatcherEffects& effects, core::Dispatcher& core, core::Time now) {
  if (!effects.journal.empty()) {
    const bool takes = !effects.journal.tasks_taken.empty() ||
                       !effects.journal.submits_answered.empty();
    const Written written = append(effects.journal, core);
    if (written != Written::all && takes) owes_ = true;
    if (written == Written::all && takes) owes_ = false;  // what was owed came with it
    behind_ = written == Written::nothing;
    if (sync_ == store::JournalSync::interval && !sync_at_)
      sync_at_ = now + sync_every_;
  }
  if (sync_at_ && now >= *sync_at_) {
    sync_at_.reset();
    journal_.sync();
  }
  // What was committed is ours to confirm only if nobody had followed by then. What is sent after
  // this, however late, rests on a turn that the next owner has, too.
  if (may_send_) may_send_();
  tell_room(core);
  withhold(effects);
}

// Rule 3: CONFIRM after the tasks are in the journal, ACKED after what was acknowledged is. An
// older ACKED after a newer one changes nothing.
void JournalKeeper::withhold(core::DispatcherEffects& effects) {
  auto& sends = effects.to_peers;
  const auto rests_on = [this](const auto& send) {
    return (owes_ && std::holds_alternative<core::SubmitConfirm>(send.envelope.message)) ||
           (behind_ && std::holds_alternative<core::Acked>(send.envelope.message));
  };
  const auto stay = std::stable_partition(sends.begin(), sends.end(),
                                          [&](const auto& send) { return !rests_on(send); });
  for (auto at = stay; at != sends.end(); ++at) {
    auto& later = std::holds_alternative<core::Acked>(at->envelope.message) ? withheld_acks_
                                                                           : withheld_;
    if (later.size() < kMostWithheld) later.push_back(std::move(*at));
  }
  sends.erase(stay, sends.end());
  const auto release = [&sends](auto& later) {
    for (auto& send : later) sends.push_back(std::move(send));
    later.clear();
  };
  if (!owes_) release(withheld_);
  if (!behind_) release(withheld_acks_);
}

void JournalKeeper::write_rest(core::Dispatcher& core, core::Time now) {
  core.write_all();
  core::DispatcherEffects rest = core.take_effects(now);
  keep(rest, core, now);
}

bool JournalKeeper::tidy(core::Time now) {
  if (now >= forget_at_) {
    forget_at_ = now + kForgetEvery;
    const std::uint64_t window = core::to_ms(core::DispatcherOptions{}.dedup_window);
    journal_.forget(Clock::wall_us() / 1000 - window);
  }
  const bool more = journal_.tidy();
  tidy_at_ = now + kTidyEvery;
  return more;
}

core::Time JournalKeeper::next_deadline() const {
  core::Time at = forget_at_;
  if (sync_at_) at = std::min(at, *sync_at_);
  // While it has no room somebody must look whether there is some again.
  if (owes_ || !journal_.has_room()) at = std::min(at, tidy_at_);
  return at;
}

JournalKeeper::Status JournalKeeper::status() {
  Status out;
  out.folder = folder_;
  out.sync = std::string(store::to_string(sync_));
  if (!journal_.has_room() || owes_) out.trouble = journal_.trouble();
  out.stats = journal_.stats();
  return out;
}

}  // namespace sluice::net
