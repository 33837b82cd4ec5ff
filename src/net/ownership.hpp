// ownership.hpp: a journal is ours, says so again and again, and knows when it is not any more.
// SPDX-License-Identifier: MIT
#pragma once

#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include <sluice/ventilator.hpp>

#include "core/standby.hpp"
#include "core/time.hpp"
#include "store/journal_lock.hpp"
#include "store/owner_folder.hpp"

namespace sluice::net {

/// What a ventilator says of itself to those who stand by, and a standby to the active one.
[[nodiscard]] store::OwnerRecord record_of(const VentilatorOptions& options);
[[nodiscard]] core::Duration failover_of(const VentilatorOptions& options);

/// A claim to a journal. A thread of its own announces it, so that a long turn of the ventilator
/// is no silence; whoever writes or sends asks check() before. Safe from any thread.
class Ownership {
 public:
  Ownership(store::OwnerFolder folder, store::OwnerFolder::Claim claim, store::OwnerRecord record,
            core::Duration failover_after);
  /// Says that it has ended, if it still is the owner.
  ~Ownership();
  Ownership(const Ownership&) = delete;
  Ownership& operator=(const Ownership&) = delete;

  /// For whoever has the lock of the folder. Waits, and gives the journal new files, if the last
  /// owner may wake up somewhere. Throws Error: somebody else takes over just now.
  [[nodiscard]] static std::shared_ptr<Ownership> claim_locked(const VentilatorOptions& options);
  /// Follows `seen`. Null: somebody else did. `fenced`: the last owner may wake up: its tenure is
  /// waited out, its lock taken away, and the journal gets new files.
  [[nodiscard]] static std::shared_ptr<Takeover> take(const VentilatorOptions& options,
                                                      const store::OwnerFolder::Seen& seen,
                                                      std::shared_ptr<store::JournalLock> lock,
                                                      bool fenced);

  /// Throws Superseded if the journal belongs to somebody else, Error if that cannot be known. Does
  /// nothing else as long as nobody can have followed.
  void check();
  /// The same, and asks in any case.
  void check_now();
  /// The life of the journal has begun, and this is where the ventilator listens.
  void begin_epoch(std::uint64_t epoch);
  void listens_at(const std::string& control, const std::vector<std::string>& sinks);
  [[nodiscard]] std::vector<store::OwnerRecord> standbys() const;

 private:
  [[nodiscard]] static std::shared_ptr<Ownership> follow(const VentilatorOptions& options,
                                                         const store::OwnerFolder::Seen& seen,
                                                         bool fence);
  void fence_if_due(const std::string& journal);
  void run();
  void announce();
  void look_for_standbys(core::Time now);
  [[nodiscard]] std::string successor() const;

  const store::OwnerFolder folder_;
  const store::OwnerFolder::Claim claim_;
  const core::Duration failover_after_;
  std::atomic<std::int64_t> holds_until_{0};  // core::Time, in ns

  mutable std::mutex mutex_;  // guards what follows
  std::condition_variable changed_;
  store::OwnerRecord record_;
  core::Tenure tenure_;
  bool superseded_ = false;
  bool stop_ = false;
  struct KnownStandby {
    std::string id;
    std::uint64_t token = 0;
    core::Time changed{};
  };
  std::vector<KnownStandby> known_;
  std::vector<store::OwnerRecord> standbys_;
  std::thread thread_;
};

/// What VentilatorOptions::takeover carries: a journal that is ours, not opened yet.
struct Takeover {
  std::shared_ptr<store::JournalLock> lock;
  std::shared_ptr<Ownership> ownership;
};

}  // namespace sluice::net
