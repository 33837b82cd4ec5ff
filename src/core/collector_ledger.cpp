// collector_ledger.cpp: pages of half bytes, and how they come and go.
// SPDX-License-Identifier: MIT
#include "core/collector_ledger.hpp"

#include <algorithm>

#include "core/assert.hpp"

namespace sluice::core {
namespace {

unsigned shift_of(std::uint64_t seq) { return (seq % 2 == 0) ? 0U : 4U; }

// Puts one more seq to the last run, or begins another.
void extend(std::vector<KnownRun>& out, std::uint64_t seq, Known state) {
  if (!out.empty() && out.back().state == state) {
    KnownRun& last = out.back();
    if (last.count == 1) last.step = seq - last.first;
    if (seq == last.first + last.count * last.step) {
      ++last.count;
      return;
    }
  }
  out.push_back({seq, 1, 1, state});
}

// The same for `count` seqs in a row that are done.
void extend_done(std::vector<KnownRun>& out, std::uint64_t first, std::uint64_t count) {
  if (!out.empty() && out.back().state == Known::done && out.back().step == 1 &&
      out.back().first + out.back().count == first)
    out.back().count += count;
  else
    out.push_back({first, count, 1, Known::done});
}

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

std::optional<Seq> CollectorLedger::runs(Seq from, std::size_t pages,
                                         std::vector<KnownRun>& out) const {
  std::uint64_t number = raw(from) / kPerPage;
  auto at = pages_.lower_bound(number);
  for (; pages > 0; --pages) {
    const auto whole = all_done_.interval_from(number);
    if (at == pages_.end() && !whole) return std::nullopt;
    if (whole && (at == pages_.end() || whole->first < at->first)) {
      const std::uint64_t first = std::max(whole->first, number);
      extend_done(out, first * kPerPage, (whole->second - first + 1) * kPerPage);
      number = whole->second + 1;
      continue;
    }
    for (std::uint64_t i = 0; i < kPerPage; ++i) {
      const std::uint8_t both = at->second.halves[i / 2];
      const auto state = static_cast<Known>((both >> shift_of(i)) & 0xF);
      if (is_stored(state)) extend(out, at->first * kPerPage + i, state);
    }
    number = at->first + 1;
    ++at;
  }
  return Seq{number * kPerPage};
}

void CollectorLedger::restore(const KnownRun& run) {
  const std::uint64_t last = run.first + (run.count - 1) * run.step;
  for (std::uint64_t seq = run.first;; seq += run.step) {
    const std::uint64_t number = seq / kPerPage;
    const bool whole = run.step == 1 && run.state == Known::done && seq % kPerPage == 0 &&
                       last - seq >= kPerPage - 1 && seq >= floor_;
    if (whole && page(number) == nullptr) {
      all_done_.insert(number);
      seq += kPerPage - 1;
      seen_ = std::max(seen_, seq);
    } else if (!is_stored(find(Seq{seq}))) {
      set(Seq{seq}, run.state);
    }
    if (seq == last) return;
  }
}

void CollectorLedger::restore_floor(Seq floor) {
  if (raw(floor) == 0) return;
  seen_ = std::max(seen_, raw(floor) - 1);
  raise_floor(floor);
}

}  // namespace sluice::core
