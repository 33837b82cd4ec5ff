// collector_ledger.hpp: what a sink knows about each task of one log.
// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "core/ids.hpp"
#include "core/interval_set.hpp"
#include "core/message.hpp"

namespace sluice::core {

/// What the sink holds for one (log, seq): the states of PROTOCOL section 7,
/// "Sink". The stored ones carry their status, because a duplicate is answered with it.
enum class Known : std::uint8_t {
  unseen = 0,
  done = 1,
  failed = 2,
  expired = 3,
  cancelled = 4,
  rejected = 5,  ///< the handler said never; only a terminal outcome replaces it
  storing = 6,   ///< handed to the store, no answer yet
};

constexpr Known known(Status status) { return static_cast<Known>(static_cast<int>(status) + 1); }
constexpr bool is_stored(Known k) { return k >= Known::done && k <= Known::cancelled; }
/// Only for a stored one.
constexpr Status status_of(Known k) { return static_cast<Status>(static_cast<int>(k) - 1); }

/// Seqs in one stored state: `first`, `first + step`, ..., `count` of them.
struct KnownRun {
  std::uint64_t first = 0, count = 1, step = 1;
  Known state = Known::done;
  friend bool operator==(const KnownRun&, const KnownRun&) = default;
};

/// Some of what is known about one log.
struct KnownSlice {
  Log log{};
  std::vector<KnownRun> runs;
  std::optional<Seq> floor;  ///< in the last slice of a log
};

/// Half a byte for each seq, in pages; a page of nothing but `done` shrinks to a
/// place in an interval. So a log that went well costs next to nothing, and one
/// that is shared among sinks (every k-th seq) costs k half bytes a task until
/// its floor rises.
class CollectorLedger {
 public:
  /// Below the floor the answer is `done`: those tasks are settled at their
  /// ventilator, which no longer asks how.
  [[nodiscard]] Known find(Seq seq);
  /// A stored state is final; below the floor nothing is written.
  void set(Seq seq, Known state);

  /// Forgets the detail below `floor`, but not beyond what has been seen: a floor
  /// further up tells this sink nothing, and a forged one must not swallow
  /// outcomes that are still to come. It never falls.
  void raise_floor(Seq floor);
  [[nodiscard]] Seq floor() const { return Seq{floor_}; }

  /// Appends the stored ones from `from` on, in order, of some `pages` pages (or stretches of pages
  /// that are all done). Returns where to go on, nothing at the end. What changes between two calls
  /// may be missing behind the place reached before.
  std::optional<Seq> runs(Seq from, std::size_t pages, std::vector<KnownRun>& out) const;
  /// Takes what runs() gave; of what is stored here already the first state stands.
  void restore(const KnownRun& run);
  /// Takes what floor() was, however little was restored above it.
  void restore_floor(Seq floor);

  /// Pages held: 272 bytes each, for 512 seqs.
  [[nodiscard]] std::size_t pages() const { return pages_.size(); }

 private:
  static constexpr std::uint64_t kPerPage = 512;
  struct Page {
    std::array<std::uint8_t, kPerPage / 2> halves{};
    std::uint32_t done = 0;
  };
  Page* page(std::uint64_t number);

  std::map<std::uint64_t, Page> pages_;
  IntervalSet all_done_;  // numbers of pages that were nothing but done
  std::uint64_t floor_ = 0;
  std::uint64_t seen_ = 0;  // the highest seq ever set
  // The page touched last: seqs come nearly in order.
  std::uint64_t cached_number_ = ~0ULL;
  Page* cached_ = nullptr;
};

}  // namespace sluice::core
