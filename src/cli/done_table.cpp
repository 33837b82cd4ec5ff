// done_table.cpp: open addressing, and flags in the low byte of a slot's value.
// SPDX-License-Identifier: MIT
#include "cli/done_table.hpp"

#include <utility>

namespace sluice::cli {
namespace {

constexpr std::uint64_t kRead = 1, kDone = 2, kFailed = 4, kPrinted = 8, kFiled = 16, kUsed = 32;
constexpr int kFlagBits = 8;
constexpr std::size_t kFirstSlots = 1024;  // always a power of two

}  // namespace

DoneTable::DoneTable() : slots_(kFirstSlots) {}

DoneTable::Entry DoneTable::entry_of(std::uint64_t value) {
  Entry entry;
  entry.done = (value & kDone) != 0;
  entry.failed = (value & kFailed) != 0;
  entry.printed = (value & kPrinted) != 0;
  entry.filed = (value & kFiled) != 0;
  entry.place = value >> kFlagBits;
  return entry;
}

// Where it is, or the free slot where it would be.
std::size_t DoneTable::place_of(const CommandDigest& id) const {
  const std::size_t mask = slots_.size() - 1;
  std::size_t at = static_cast<std::size_t>(id.high) & mask;
  while (slots_[at].value != 0 && !(slots_[at].id == id)) at = (at + 1) & mask;
  return at;
}

void DoneTable::grow() {
  const std::vector<Slot> before = std::exchange(slots_, std::vector<Slot>(slots_.size() * 2));
  for (const Slot& slot : before)
    if (slot.value != 0) slots_[place_of(slot.id)] = slot;
}

DoneTable::Slot& DoneTable::slot_for(const CommandDigest& id) {
  if (used_ >= slots_.size() / 4 * 3) grow();
  Slot& slot = slots_[place_of(id)];
  if (slot.value == 0) {
    ++used_;
    slot = {id, kUsed};
  }
  return slot;
}

void DoneTable::note(const CommandDigest& command, std::uint64_t occurrence, const Entry& entry) {
  Slot& slot = slot_for(digest_of(command, occurrence));
  if ((slot.value & kDone) == 0) ++done_;
  slot.value = (slot.value & kRead) | kUsed | kDone | (entry.failed ? kFailed : 0) |
               (entry.printed ? kPrinted : 0) | (entry.filed ? kFiled : 0) |
               entry.place << kFlagBits;
}

DoneTable::Entry DoneTable::find(const CommandDigest& command, std::uint64_t occurrence) const {
  return entry_of(slots_[place_of(digest_of(command, occurrence))].value);
}

DoneTable::Next DoneTable::next(const CommandDigest& command) {
  Slot& first = slot_for(command);
  if ((first.value & kRead) == 0) {
    first.value |= kRead;
    return {1, entry_of(first.value)};
  }
  const std::uint64_t occurrence = ++repeats_.try_emplace(command, 1).first->second;
  return {occurrence, find(command, occurrence)};
}

}  // namespace sluice::cli
