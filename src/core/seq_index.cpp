// seq_index.cpp: the window of pages from a task's number to its slot.
// SPDX-License-Identifier: MIT
#include "core/seq_index.hpp"

#include <algorithm>
#include <utility>

#include "core/assert.hpp"

namespace sluice::core {

Seq SeqIndex::reserve(std::uint64_t count) {
  const std::uint64_t first = next_;
  for (std::uint64_t seq = first; seq < first + count; ++seq) promise(seq);
  next_ += count;
  return static_cast<Seq>(first);
}

void SeqIndex::promise(std::uint64_t seq) {
  Page& page = page_for_new(seq);
  page.slots[seq & (kPageSize - 1)] = kReserved;
  ++page.live;
}

void SeqIndex::begin_at(Seq next) { next_ = std::max(next_, raw(next)); }

void SeqIndex::restore(Seq seq) {
  SLUICE_ASSERT(find(seq) == kNone);
  promise(raw(seq));
  next_ = std::max(next_, raw(seq) + 1);
}

void SeqIndex::set(Seq seq, std::uint32_t slot) {
  Page* page = page_of(raw(seq));
  SLUICE_ASSERT(page != nullptr);
  std::uint32_t& entry = page->slots[raw(seq) & (kPageSize - 1)];
  SLUICE_ASSERT(entry == kReserved && slot < kReserved);
  entry = slot;
}

void SeqIndex::move(Seq seq, std::uint32_t place) {
  Page* page = page_of(raw(seq));
  SLUICE_ASSERT(page != nullptr);
  std::uint32_t& entry = page->slots[raw(seq) & (kPageSize - 1)];
  SLUICE_ASSERT(entry != kNone && place != kNone);
  entry = place;
}

std::uint32_t SeqIndex::find(Seq seq) const {
  const Page* page = page_of(raw(seq));
  return page == nullptr ? kNone : page->slots[raw(seq) & (kPageSize - 1)];
}

void SeqIndex::erase(Seq seq) {
  Page* page = page_of(raw(seq));
  SLUICE_ASSERT(page != nullptr);
  std::uint32_t& entry = page->slots[raw(seq) & (kPageSize - 1)];
  SLUICE_ASSERT(entry != kNone);
  entry = kNone;
  if (--page->live > 0) return;
  // The newest page is still being filled, unless its last number has been promised.
  const std::uint64_t number = raw(seq) >> kPageBits;
  if (((number + 1) << kPageBits) > next_) return;
  spare_.push_back(std::move(pages_[number - first_page_]));
  if (spare_.size() > 4) spare_.pop_back();
  while (!pages_.empty() && pages_.front() == nullptr) {
    pages_.pop_front();
    ++first_page_;
  }
}

Seq SeqIndex::floor() const {
  if (pages_.empty()) return static_cast<Seq>(next_);
  const Page& page = *pages_.front();
  std::uint64_t seq = first_page_ << kPageBits;
  if (seq == 0) seq = 1;
  for (; seq < next_ && (seq >> kPageBits) == first_page_; ++seq)
    if (page.slots[seq & (kPageSize - 1)] != kNone) return static_cast<Seq>(seq);
  return static_cast<Seq>(seq);
}

SeqIndex::Page* SeqIndex::page_of(std::uint64_t seq) const {
  const std::uint64_t number = seq >> kPageBits;
  if (seq == 0 || seq >= next_ || number < first_page_) return nullptr;
  if (number - first_page_ >= pages_.size()) return nullptr;  // of another life, and settled
  return pages_[number - first_page_].get();
}

SeqIndex::Page& SeqIndex::page_for_new(std::uint64_t seq) {
  const std::uint64_t number = seq >> kPageBits;
  if (pages_.empty()) first_page_ = number;
  SLUICE_ASSERT(number >= first_page_);
  while (number - first_page_ >= pages_.size()) pages_.push_back(nullptr);
  std::unique_ptr<Page>& page = pages_[number - first_page_];
  if (page == nullptr) {
    if (spare_.empty()) {
      page = std::make_unique<Page>();
    } else {
      page = std::move(spare_.back());
      spare_.pop_back();
    }
    page->slots.fill(kNone);
    page->live = 0;
  }
  return *page;
}

}  // namespace sluice::core
