// watch_shelf.hpp: outcomes kept for those who wait for them, until they have them.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <string_view>
#include <unordered_map>

#include "core/ids.hpp"
#include "core/message.hpp"
#include "core/store_entry.hpp"

namespace sluice::core {

/// An outcome that owns its bytes.
struct ShelfItem {
  /// Copies what the entry shows. What was of one delivery (rsn, lease) is left out.
  explicit ShelfItem(const StoreEntry& from);

  OutcomeEntry outcome;  ///< its views point into `bytes`
  std::string_view type, worker;
  std::size_t cost = 0;  ///< bytes it is counted as
  std::unique_ptr<std::byte[]> bytes;
};

/// First in, first out, bounded by bytes: a newer outcome pushes the oldest ones off, but
/// never itself. What is taken off in another order costs no more.
class WatchShelf {
 public:
  /// What is counted for an outcome beside its bytes.
  static constexpr std::size_t kItemCost = 256;

  explicit WatchShelf(std::uint64_t max_bytes) : max_bytes_(max_bytes) {}

  /// One that lies there already under the same key stays: the first outcome counts.
  void put(const TaskKey& key, std::unique_ptr<ShelfItem> item);
  /// Good until the next put() or remove(); null if it is not there.
  [[nodiscard]] const ShelfItem* find(const TaskKey& key) const;
  void remove(const TaskKey& key);

  [[nodiscard]] std::size_t size() const { return items_.size(); }
  [[nodiscard]] std::uint64_t bytes() const { return bytes_; }
  /// How many were pushed off.
  [[nodiscard]] std::uint64_t dropped() const { return dropped_; }

 private:
  struct Hash {
    std::size_t operator()(const TaskKey& key) const;
  };
  struct Place {
    std::unique_ptr<ShelfItem> item;
    std::uint64_t stamp = 0;
  };
  struct Arrival {
    TaskKey key;
    std::uint64_t stamp = 0;
  };
  [[nodiscard]] bool is_there(const Arrival& arrival) const;
  void drop_oldest();
  void prune();

  const std::uint64_t max_bytes_;
  std::unordered_map<TaskKey, Place, Hash> items_;
  std::deque<Arrival> order_;  // also of some that were removed since
  std::uint64_t stamp_ = 0;
  std::uint64_t bytes_ = 0;
  std::uint64_t dropped_ = 0;
};

}  // namespace sluice::core
