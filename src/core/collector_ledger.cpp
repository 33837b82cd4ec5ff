// collector_ledger.cpp: pages of half bytes, and how they come and go.
// SPDX-License-Identifier: MIT
#include "core/collector_ledger.hpp"

#include <algorithm>

#include "core/assert.hpp"

namespace sluice::core {
namespace {

unsigned shift_of(std::uint64_t seq) { return (seq % 2 == 0) ? 0U : 4U; }

}  // namespace

CollectorLedger::Page* CollectorLedger::page(std::uint64_t number) {
  if (number == cached_number_) return cached_;
  const auto at = pages_.find(number);
  if (at == pages_.end()) return nullptr;
  cached_number_ = number;
  cached_ = &at->second;
  return cached_;
}

Known CollectorLedger::find(Seq seq) {
  const std::uint64_t value = raw(seq);
  if (value < floor_) return Known::done;
  const Page* p = page(value / kPerPage);
  if (p == nullptr) return all_done_.contains(value / kPerPage) ? Known::done : Known::unseen;
  const std::uint8_t both = p->halves[value % kPerPage / 2];
  return static_cast<Known>((both >> shift_of(value)) & 0xF);
}

void CollectorLedger::set(Seq seq, Known state) {
  const std::uint64_t value = raw(seq);
  if (value < floor_) return;
  const std::uint64_t number = value / kPerPage;
  Page* p = page(number);
  if (p == nullptr) {
    if (all_done_.contains(number)) return;  // final already
    p = &pages_[number];
    cached_number_ = number;
    cached_ = p;
  }
  std::uint8_t& both = p->halves[value % kPerPage / 2];
  const unsigned shift = shift_of(value);
  const auto before = static_cast<Known>((both >> shift) & 0xF);
  SLUICE_ASSERT(!is_stored(before) || before == state);
  if (before == state) return;
  both = static_cast<std::uint8_t>((both & ~(0xFU << shift)) |
                                   (static_cast<unsigned>(state) << shift));
  seen_ = std::max(seen_, value);
  if (state == Known::done && ++p->done == kPerPage) {
    all_done_.insert(number);
    cached_number_ = ~0ULL;
    pages_.erase(number);
  }
}

void CollectorLedger::raise_floor(Seq floor) {
  const std::uint64_t value = std::min(raw(floor), seen_ + 1);
  if (value <= floor_) return;
  floor_ = value;
  const std::uint64_t first_kept = value / kPerPage;
  cached_number_ = ~0ULL;
  pages_.erase(pages_.begin(), pages_.lower_bound(first_kept));
  all_done_.raise_floor(first_kept);
}

}  // namespace sluice::core
