// ownership.cpp: announcing, asking, following.
// SPDX-License-Identifier: MIT
#include "net/ownership.hpp"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include <sluice/error.hpp>

#include "net/clock.hpp"
#include "net/entropy.hpp"
#include "net/identity.hpp"
#include "net/signals.hpp"
#include "store/journal_fence.hpp"
#include "store/lock_trust.hpp"

namespace sluice::net {
namespace {

// Before there is a thread that could be told to stop: at the start only.
void pause_for(core::Duration time) {
  const core::Time until = Clock::now() + time;
  for (core::Time now = Clock::now(); now < until; now = Clock::now())
    ::poll(nullptr, 0, static_cast<int>(core::to_ms(until - now)) + 1);
}

std::string holder_name(const VentilatorOptions& options) {
  return options.name.empty() ? default_name() : options.name;
}

// Whoever had it has not come to the end of a takeover.
bool is_half_fenced(const store::OwnerFolder::Seen& seen) {
  return seen.generation != 0 && (!seen.record || seen.record->fence_due);
}

bool may_wake_up(const store::OwnerFolder::Seen& seen) {
  return seen.generation != 0 && (!seen.record || seen.record->fence_due ||
                                  !(seen.record->ended || seen.record->process_is_gone()));
}

}  // namespace

core::Duration failover_of(const VentilatorOptions& options) { return options.failover_after; }

store::OwnerRecord record_of(const VentilatorOptions& options) {
  store::OwnerRecord out = store::OwnerRecord::of_this_process();
  out.id = core::hex(random_id<core::Boot>());
  out.name = holder_name(options);
  out.sinks = options.sinks;
  out.sync = options.journal_sync == VentilatorOptions::kNeverSync ? "never"
             : options.journal_sync.count() == 0                   ? "always"
                                                 : std::to_string(options.journal_sync.count());
  out.failover_ms = static_cast<std::uint64_t>(options.failover_after.count());
  out.since_ms = Clock::wall_us() / 1000;
  return out;
}

// --- a claim ------------------------------------------------------------------

std::shared_ptr<Ownership> Ownership::claim_locked(const VentilatorOptions& options) {
  const store::OwnerFolder folder(options.journal);
  store::OwnerFolder::Seen seen = folder.look();
  // On a local file system who had the lock before us is no more.
  const bool is_local = store::judge_folder(options.journal).local;
  const bool half_fenced = is_half_fenced(seen);
  const bool silent_first = may_wake_up(seen) && !is_local;
  if (silent_first) {
    core::StandbyRule rule(failover_of(options), false);
    for (;;) {
      core::OwnerSight sight;
      sight.owner = core::OwnerSight::Owner::owned;
      sight.generation = seen.generation;
      sight.announcement = seen.token;
      if (seen.record) sight.failover_after = core::from_ms(seen.record->failover_ms);
      if (rule.look(sight, Clock::now()) != core::StandbyRule::Decision::wait) break;
      pause_for(rule.look_every());
      seen = folder.look();
    }
  }
  const bool fenced = silent_first || half_fenced;
  std::shared_ptr<Ownership> claimed;
  try {
    claimed = follow(options, seen, fenced);
  } catch (const Error&) {
    // On a full disk there is the journal's reserve: what is in it can still be settled.
    const std::string reserve = store::JournalPaths(options.journal).reserve;
    if (::unlink(reserve.c_str()) != 0) throw;
    claimed = follow(options, folder.look(), fenced);
  }
  if (!claimed)
    throw Error("another ventilator takes the journal " + options.journal +
                " over at this moment: let it, or start this one with --standby");
  claimed->fence_if_due(options.journal);
  return claimed;
}

std::shared_ptr<Takeover> Ownership::take(const VentilatorOptions& options,
                                          const store::OwnerFolder::Seen& seen,
                                          std::shared_ptr<store::JournalLock> lock, bool fenced) {
  auto out = std::make_shared<Takeover>();
  out->ownership = follow(options, seen, fenced || is_half_fenced(seen));
  if (!out->ownership) return nullptr;
  if (!lock) lock = store::JournalLock::take_away(options.journal, holder_name(options));
  out->lock = std::move(lock);
  out->ownership->fence_if_due(options.journal);
  return out;
}

// Null: somebody else has followed. The tenure of whoever spoke meanwhile is waited out.
std::shared_ptr<Ownership> Ownership::follow(const VentilatorOptions& options,
                                             const store::OwnerFolder::Seen& seen, bool fence) {
  const store::OwnerFolder folder(options.journal);
  store::OwnerRecord record = record_of(options);
  record.fence_due = fence;
  auto claim = folder.claim(seen, record);
  if (!claim) return nullptr;
  const core::Duration wait = core::from_ms(claim->wait_ms);
  auto out = std::make_shared<Ownership>(folder, std::move(*claim), std::move(record),
                                         failover_of(options));
  pause_for(wait);
  return out;
}

void Ownership::fence_if_due(const std::string& journal) {
  {
    const std::scoped_lock lock(mutex_);
    if (!record_.fence_due) return;
  }
  store::move_to_new_files(journal);
  const std::scoped_lock lock(mutex_);
  record_.fence_due = false;
  announce();
}

Ownership::Ownership(store::OwnerFolder folder, store::OwnerFolder::Claim claim,
                     store::OwnerRecord record, core::Duration failover_after)
    : folder_(std::move(folder)),
      claim_(std::move(claim)),
      failover_after_(failover_after),
      record_(std::move(record)),
      tenure_(failover_after) {
  check_now();
  const SignalsBlocked blocked;
  thread_ = std::thread([this] { run(); });
}

Ownership::~Ownership() {
  {
    const std::scoped_lock lock(mutex_);
    stop_ = true;
    changed_.notify_all();
  }
  thread_.join();
  record_.ended = true;
  try {
    if (!superseded_) claim_.file.write(record_);  // its own file: it can disturb nobody
  } catch (const Error&) {                         // then a standby waits its time
  }
}

void Ownership::run() {
  std::unique_lock lock(mutex_);
  while (!stop_ && !superseded_) {
    try {
      announce();
      look_for_standbys(Clock::now());
    } catch (const Error&) {  // whoever asks check() is told, when the tenure is over
    }
    changed_.wait_for(lock, core::Tenure::announce_every(failover_after_),
                      [this] { return stop_ || superseded_; });
  }
}

// Under the mutex. The time counts from before the announcement: see core::Tenure.
void Ownership::announce() {
  if (superseded_) throw Superseded(successor());
  const core::Time began = Clock::now();
  ++record_.renewals;
  claim_.file.write(record_);
  if (!claim_.file.is_in_place()) {
    superseded_ = true;
    throw Superseded(successor());
  }
  tenure_.announced(began);
  holds_until_.store(tenure_.until().time_since_epoch().count(), std::memory_order_release);
}

std::string Ownership::successor() const {
  std::string who = "another ventilator";
  try {
    const auto seen = folder_.look();
    if (seen.record && seen.record->id != record_.id) who = seen.record->who();
  } catch (const Error&) {  // then it has no name
  }
  return "this ventilator was superseded: " + who +
         " has taken its journal over. It ends; nothing is lost, for the other one goes on with "
         "what was accepted";
}

void Ownership::check() {
  const std::int64_t until = holds_until_.load(std::memory_order_acquire);
  if (Clock::now().time_since_epoch().count() < until) return;
  check_now();
}

void Ownership::check_now() {
  const std::scoped_lock lock(mutex_);
  announce();
}

void Ownership::begin_epoch(std::uint64_t epoch) {
  const std::scoped_lock lock(mutex_);
  record_.epoch = epoch;
  announce();
}

void Ownership::listens_at(const std::string& control, const std::vector<std::string>& sinks) {
  const std::scoped_lock lock(mutex_);
  record_.control = control;
  record_.sinks = sinks;
  announce();
}

// Under the mutex. One that says nothing new for long is not there any more.
void Ownership::look_for_standbys(core::Time now) {
  std::vector<KnownStandby> known;
  standbys_.clear();
  for (auto& [token, record] : folder_.standbys()) {
    const auto before =
        std::find_if(known_.begin(), known_.end(),
                     [&record = record](const auto& one) { return one.id == record.id; });
    const bool news = before == known_.end() || before->token != token;
    const core::Time changed = news ? now : before->changed;
    known.push_back({record.id, token, changed});
    const core::Duration patience = std::max(core::from_ms(record.failover_ms), failover_after_);
    const bool is_gone = record.process_is_gone() || now - changed > 2 * patience;
    if (!is_gone) standbys_.push_back(record);
    if (record.process_is_gone() || now - changed > std::chrono::minutes(10))
      folder_.remove_standby(record.id);
  }
  known_ = std::move(known);
}

std::vector<store::OwnerRecord> Ownership::standbys() const {
  const std::scoped_lock lock(mutex_);
  return standbys_;
}

}  // namespace sluice::net
