// seq_index.hpp: from a task's number to its slot, without a hash.
// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <memory>
#include <vector>

#include "core/ids.hpp"

namespace sluice::core {

/// Which slot of the task table, or which run of the backlog, holds the task `seq`.
///
/// Numbers are handed out densely and settle roughly in that order, so the index
/// is a window of pages: four bytes a number, a page goes when all of it is
/// settled. A number is `reserved` from the moment it is promised to a submitter
/// until its task arrives; the floor cannot pass it.
class SeqIndex {
 public:
  static constexpr std::uint32_t kNone = 0xffffffffU;      ///< never used, or settled
  static constexpr std::uint32_t kReserved = 0xfffffffeU;  ///< promised, not yet submitted

  /// Promises the next `count` numbers; the first of them.
  Seq reserve(std::uint64_t count);
  /// At the start only: numbers below are another life's, and may be in use.
  void begin_at(Seq next);
  /// At the start only: a number of another life whose task is to be set, as if promised now.
  void restore(Seq seq);
  /// The number after the last one promised.
  [[nodiscard]] Seq next_seq() const { return static_cast<Seq>(next_); }

  /// From here up to kReserved a number leads to no slot but into the backlog.
  static constexpr std::uint32_t kFar = 0x80000000U;
  [[nodiscard]] static constexpr bool is_far(std::uint32_t place) {
    return place >= kFar && place < kReserved;
  }

  /// Puts a reserved number's task into the index.
  void set(Seq seq, std::uint32_t slot);
  /// A number in use gets another place; kReserved makes it one whose task is to be set.
  void move(Seq seq, std::uint32_t place);
  /// The slot, a place in the backlog, kReserved or kNone.
  [[nodiscard]] std::uint32_t find(Seq seq) const;
  /// Settled, or given up: the number will never be found again.
  void erase(Seq seq);

  /// All numbers below are settled (docs/PROTOCOL.md, "floor"); it never falls.
  [[nodiscard]] Seq floor() const;

 private:
  static constexpr std::uint64_t kPageBits = 12;
  static constexpr std::uint64_t kPageSize = 1ULL << kPageBits;
  struct Page {
    std::array<std::uint32_t, kPageSize> slots;
    std::uint32_t live = 0;  // reserved or set
  };
  [[nodiscard]] Page* page_of(std::uint64_t seq) const;
  Page& page_for_new(std::uint64_t seq);
  void promise(std::uint64_t seq);

  std::deque<std::unique_ptr<Page>> pages_;  // a null page is wholly settled
  std::vector<std::unique_ptr<Page>> spare_;
  std::uint64_t first_page_ = 0;
  std::uint64_t next_ = 1;
};

}  // namespace sluice::core
