// standby.cpp: looks at the record of the active one, answers, and takes over.
// SPDX-License-Identifier: MIT
#include "net/standby.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include <sluice/error.hpp>

#include "net/clock.hpp"
#include "net/endpoint.hpp"
#include "net/identity.hpp"
#include "store/journal_fence.hpp"
#include "store/lock_trust.hpp"

namespace sluice::net {
namespace {

using Owner = core::OwnerSight::Owner;

constexpr int kMaxMessagesPerTurn = 256;
constexpr std::uint64_t kRetryMs = 200;

wire::Limits limits_of(const VentilatorOptions& options) {
  wire::Limits limits;
  limits.max_frame = options.max_frame;
  return limits;
}

std::string seconds(core::Duration time) {
  const auto tenths = core::to_ms(time) / 100;
  return std::to_string(tenths / 10) + "." + std::to_string(tenths % 10) + " s";
}

}  // namespace

Standby::Standby(VentilatorOptions options)
    : options_(std::move(options)),
      codec_(wire::Role::ventilator, limits_of(options_)),
      frames_(FramePool::make()),
      record_(record_of(options_)) {
  check_folder();
  folder_.emplace(options_.journal);
  check_against_active();
  router_.emplace(Context::shared(), Endpoint::parse(options_.bind), options_.max_frame);
  // The ventilator is to have the very port that was told to others.
  Endpoint bound = Endpoint::parse(options_.bind);
  if (bound.transport == Endpoint::Transport::tcp)
    options_.bind = bound.with_port(router_->endpoint().port).text();
  record_.control = advertised_endpoint(router_->endpoint(), options_.advertise).text();
  for (const auto& [token, other] : folder_->standbys())
    if (other.process_is_gone()) folder_->remove_standby(other.id);
  announced_ = folder_->announce_standby(record_);
  since_ = Clock::now();
}

Standby::~Standby() {
  if (announced_.is_open()) folder_->remove_standby(record_.id);
}

// The file system must keep what this rests on, as far as anybody can see.
void Standby::check_folder() {
  const std::string& journal = options_.journal;
  if (::mkdir(journal.c_str(), 0700) != 0 && errno != EEXIST)
    throw Error("cannot make the folder of the journal, " + journal + ": " + std::strerror(errno) +
                "; choose one whose parent is there and may be written");
  const store::LockTrust trust = store::judge_folder(journal);
  if (!trust.trusted)
    throw Error("the journal " + journal + " is on " + trust.file_system +
                ", which a standby cannot rest on: " + trust.why + "; " + trust.cure +
                " (docs/OPERATING.md lists what is known)");
  rule_.emplace(failover_of(options_), trust.local);
  const std::string own = journal + "/standby-" + record_.id;
  if (::mkdir(own.c_str(), 0700) != 0)
    throw Error("cannot write to the journal's folder " + journal + ": " + std::strerror(errno) +
                "; it must be readable and writable for this user");
  std::string flaw;
  try {
    const auto lock = store::JournalLock::try_take(own, record_.name);
    flaw = lock ? store::try_lock_twice(store::JournalLock::path_in(own))
                : "a new file in it cannot be locked";
  } catch (const Error& error) {
    flaw = error.what();
  }
  ::unlink(store::JournalLock::path_in(own).c_str());
  ::rmdir(own.c_str());
  if (!flaw.empty())
    throw Error("the journal " + journal + " cannot be shared with a standby: " + flaw);
  const store::JournalPaths paths(journal);
  if (::access(paths.database.c_str(), F_OK) == 0)
    store::check_header(store::JournalDisk::real(), paths.database);
}

void Standby::check_against_active() {
  seen_ = folder_->look();
  if (!seen_.record || seen_.record->ended || seen_.record->process_is_gone()) return;
  const store::OwnerRecord& active = *seen_.record;
  const std::size_t common = std::min(active.sinks.size(), options_.sinks.size());
  const bool same =
      active.sinks.size() <= options_.sinks.size() &&
      std::equal(active.sinks.begin(), active.sinks.begin() + static_cast<std::ptrdiff_t>(common),
                 options_.sinks.begin());
  if (!same) {
    std::string theirs;
    for (const std::string& sink : active.sinks) theirs += " --sink " + sink;
    throw Error("the active ventilator, " + active.who() +
                ", has other sinks, and a task's outcome goes to the same one for ever: give this "
                "one" +
                theirs);
  }
  if (active.sync != record_.sync)
    warnings_.push_back("the active ventilator syncs its journal \"" + active.sync +
                        "\", this one will do it \"" + record_.sync + "\"");
  if (active.failover_ms != record_.failover_ms)
    warnings_.push_back("the active ventilator's --failover-after is " +
                        std::to_string(active.failover_ms) + " ms, this one's " +
                        std::to_string(record_.failover_ms) + " ms: the longer one counts");
}

// --- waiting ------------------------------------------------------------------

bool Standby::wait(std::chrono::milliseconds time) {
  const core::Time until = Clock::now() + time;
  for (;;) {
    if (Clock::now() >= look_at_ && look()) return true;
    answer();
    if (Clock::now() >= until) return false;
    poll_.clear();
    router_->watch(poll_);
    poll_.wait(std::min(until, look_at_));
  }
}

void Standby::answer() {
  for (int i = 0; i < kMaxMessagesPerTurn; ++i) {
    const auto in = router_->receive();
    if (!in) break;
    wire::DecodeError error;
    auto envelope = codec_.decode(in->frame, pool_, error);
    if (!envelope || in->extra_frames > 0) continue;
    answer(in->from, *envelope);
    pool_.give_back(std::move(envelope->message));
  }
  while (router_->next_departed()) continue;
}

void Standby::answer(core::PeerId from, const core::Envelope& in) {
  core::ErrorMessage out{core::Code::not_primary, text(), kRetryMs, std::nullopt};
  const bool is_known = seen_.record && !seen_.record->ended && !seen_.record->control.empty();
  if (is_known) out.endpoint = seen_.record->control;
  OutFrame frame(frames_);
  wire::Codec::encode(core::Envelope{core::Sid{}, in.n, std::move(out)}, frame.buffer());
  static_cast<void>(router_->send(from, frame));  // whoever is not reached asks again
}

std::string Standby::text() const {
  const core::Time now = Clock::now();
  std::string out = "standby";
  if (seen_.record) out += " of " + seen_.record->who();
  out += " since " + seconds(now - since_);
  if (rule_->silent_since())
    out += "; last renewal seen " + seconds(now - *rule_->silent_since()) + " ago";
  if (!trouble_.empty()) out += "; " + trouble_;
  return out;
}

// --- looking, and taking over ---------------------------------------------------

core::OwnerSight Standby::see() {
  core::OwnerSight sight;
  trouble_.clear();
  try {
    seen_ = folder_->look();
  } catch (const Error& error) {
    trouble_ = error.what();
    return sight;
  }
  sight.generation = seen_.generation;
  sight.announcement = seen_.token;
  sight.owner = seen_.generation == 0 ? Owner::nobody : Owner::owned;
  if (!seen_.record) return sight;
  sight.failover_after = core::from_ms(seen_.record->failover_ms);
  if (seen_.record->ended)
    sight.owner = Owner::ended;
  else if (seen_.record->process_is_gone())
    sight.owner = Owner::dead;
  return sight;
}

void Standby::try_lock(core::OwnerSight& sight) {
  if (!rule_->wants_lock(sight.owner)) return;
  lock_ = store::JournalLock::try_take(options_.journal, record_.name);
  sight.has_lock = lock_ != nullptr;
  if (!lock_ && sight.owner != Owner::owned)
    trouble_ = "the journal is locked by " + store::JournalLock::holder(options_.journal) +
               ", which says nothing to a standby";
}

bool Standby::look() {
  core::OwnerSight sight = see();
  try {
    try_lock(sight);
    announce(Clock::now());
  } catch (const Error& error) {
    trouble_ = error.what();
    sight.owner = Owner::unreadable;
  }
  const core::Time now = Clock::now();
  look_at_ = now + rule_->look_every();
  const auto decision = rule_->look(sight, now);
  if (decision == core::StandbyRule::Decision::wait) {
    lock_.reset();
    return false;
  }
  return take(decision == core::StandbyRule::Decision::take_fenced);
}

bool Standby::take(bool fenced) {
  const bool copies = fenced || !seen_.record || seen_.record->fence_due;
  if (copies && seen_.generation != 0) {
    trouble_ = store::no_room_for_new_files(options_.journal);
    if (!trouble_.empty()) {
      lock_.reset();
      return false;
    }
  }
  options_.takeover = Ownership::take(options_, seen_, std::move(lock_), fenced);
  lock_.reset();
  if (!options_.takeover) return false;  // another standby was quicker
  folder_->remove_standby(record_.id);
  announced_ = {};
  router_.reset();  // the port is free on return
  return true;
}

void Standby::announce(core::Time now) {
  if (now < announce_at_) return;
  announce_at_ = now + core::Tenure::announce_every(failover_of(options_));
  ++record_.renewals;
  announced_.write(record_);
}

}  // namespace sluice::net
