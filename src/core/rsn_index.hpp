// rsn_index.hpp: from an outcome's number to its place, in constant time.
// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <utility>
#include <vector>

#include "core/ids.hpp"

namespace sluice::core {

/// Numbers are handed out densely from 1 and mostly erased in order, so they index
/// an array. It comes in blocks: one outcome that a sink defers for an hour
/// keeps 1 KiB, not everything numbered after it.
class RsnIndex {
 public:
  static constexpr std::uint32_t kNone = 0xffffffff;

  /// Numbers `place` and returns the number, one above the last.
  Rsn add(std::uint32_t place) {
    const std::uint64_t at = next_ - 1;
    if (at / kBlock - first_block_ == blocks_.size()) blocks_.push_back(fresh());
    Block& block = *blocks_.back();
    block.places[at % kBlock] = place;
    ++block.used;
    ++size_;
    return static_cast<Rsn>(next_++);
  }

  /// kNone if it was never handed out, or is erased.
  [[nodiscard]] std::uint32_t find(Rsn rsn) const {
    const std::uint64_t at = raw(rsn) - 1;  // 0 wraps round and is out of range
    const std::uint64_t block = at / kBlock - first_block_;
    if (raw(rsn) >= next_ || at / kBlock < first_block_ || block >= blocks_.size()) return kNone;
    const auto& held = blocks_[static_cast<std::size_t>(block)];
    return held == nullptr ? kNone : held->places[at % kBlock];
  }

  /// No effect if it is not there.
  void erase(Rsn rsn) {
    if (find(rsn) == kNone) return;
    const std::uint64_t at = raw(rsn) - 1;
    auto& block = blocks_[static_cast<std::size_t>(at / kBlock - first_block_)];
    block->places[at % kBlock] = kNone;
    --size_;
    // The block that is still being filled stays, or add() would start it anew.
    if (--block->used > 0 || (next_ - 1) / kBlock == at / kBlock) return;
    if (spare_.size() < kSpare) spare_.push_back(std::move(block));
    block.reset();
    while (!blocks_.empty() && blocks_.front() == nullptr) {
      blocks_.pop_front();
      ++first_block_;
    }
  }

  /// The first number at or after `from` that is there; end() if there is none.
  [[nodiscard]] Rsn first_from(Rsn from) const {
    std::uint64_t rsn = raw(from) == 0 ? 1 : raw(from);
    if (rsn < first_block_ * kBlock + 1) rsn = first_block_ * kBlock + 1;
    while (rsn < next_) {
      const std::uint64_t block = (rsn - 1) / kBlock - first_block_;
      if (blocks_[static_cast<std::size_t>(block)] == nullptr)
        rsn = ((rsn - 1) / kBlock + 1) * kBlock + 1;
      else if (find(static_cast<Rsn>(rsn)) != kNone)
        return static_cast<Rsn>(rsn);
      else
        ++rsn;
    }
    return end();
  }

  /// One above the last number handed out.
  [[nodiscard]] Rsn end() const { return static_cast<Rsn>(next_); }
  [[nodiscard]] std::size_t size() const { return size_; }
  /// Blocks held, spare ones aside.
  [[nodiscard]] std::size_t blocks() const {
    std::size_t count = 0;
    for (const auto& block : blocks_) count += block == nullptr ? 0U : 1U;
    return count;
  }

 private:
  static constexpr std::uint64_t kBlock = 256;
  static constexpr std::size_t kSpare = 64;
  struct Block {
    std::array<std::uint32_t, kBlock> places;
    std::uint32_t used = 0;
  };
  std::unique_ptr<Block> fresh() {
    if (spare_.empty()) return cleared(std::make_unique<Block>());
    auto block = std::move(spare_.back());
    spare_.pop_back();
    return cleared(std::move(block));
  }
  static std::unique_ptr<Block> cleared(std::unique_ptr<Block> block) {
    block->places.fill(kNone);
    block->used = 0;
    return block;
  }

  std::uint64_t next_ = 1;
  std::uint64_t first_block_ = 0;
  std::size_t size_ = 0;
  std::deque<std::unique_ptr<Block>> blocks_;  // null: all of it erased
  std::vector<std::unique_ptr<Block>> spare_;
};

}  // namespace sluice::core
