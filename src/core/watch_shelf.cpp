// watch_shelf.cpp: putting, pushing off, and forgetting the places of what was taken.
// SPDX-License-Identifier: MIT
#include "core/watch_shelf.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

#include "core/assert.hpp"

namespace sluice::core {
namespace {

// Places of removed items that are tolerated beyond those of the present ones.
constexpr std::size_t kStalePlaces = 1'024;

class Packer {
 public:
  explicit Packer(std::byte* at) : at_(at) {}
  Bytes put(Bytes bytes) {
    if (!bytes.empty()) std::memcpy(at_, bytes.data(), bytes.size());
    const Bytes placed(at_, bytes.size());
    at_ += bytes.size();
    return placed;
  }
  std::string_view put(std::string_view text) { return as_text(put(as_bytes(text))); }

 private:
  std::byte* at_;
};

}  // namespace

ShelfItem::ShelfItem(const StoreEntry& from) : outcome(from.outcome) {
  const std::size_t size = from.type.size() + from.producer.size() + outcome.key.size() +
                           outcome.error.size() + outcome.payload.size();
  bytes = std::make_unique<std::byte[]>(size);
  Packer packer(bytes.get());
  type = packer.put(from.type);
  worker = packer.put(from.producer);
  outcome.key = packer.put(outcome.key);
  outcome.error = packer.put(outcome.error);
  outcome.payload = packer.put(outcome.payload);
  outcome.rsn = Rsn{};
  outcome.lease = Lease{};
  cost = size + WatchShelf::kItemCost;
}

std::size_t WatchShelf::Hash::operator()(const TaskKey& key) const {
  std::uint64_t log = 0;
  std::memcpy(&log, key.log.data(), sizeof log);
  return static_cast<std::size_t>((log ^ raw(key.seq)) * 0x9E3779B97F4A7C15ULL);
}

void WatchShelf::put(const TaskKey& key, std::unique_ptr<ShelfItem> item) {
  const auto [at, is_new] = items_.try_emplace(key);
  if (!is_new) return;
  bytes_ += item->cost;
  at->second.item = std::move(item);
  at->second.stamp = ++stamp_;
  order_.push_back({key, stamp_});
  while (bytes_ > max_bytes_ && items_.size() > 1) drop_oldest();
  prune();
}

const ShelfItem* WatchShelf::find(const TaskKey& key) const {
  const auto at = items_.find(key);
  return at == items_.end() ? nullptr : at->second.item.get();
}

void WatchShelf::remove(const TaskKey& key) {
  const auto at = items_.find(key);
  if (at == items_.end()) return;
  bytes_ -= at->second.item->cost;
  items_.erase(at);
}

bool WatchShelf::is_there(const Arrival& arrival) const {
  const auto at = items_.find(arrival.key);
  return at != items_.end() && at->second.stamp == arrival.stamp;
}

void WatchShelf::drop_oldest() {
  while (!is_there(order_.front())) order_.pop_front();
  remove(order_.front().key);
  order_.pop_front();
  ++dropped_;
}

// Each pass over everything is paid for by as many removals before it.
void WatchShelf::prune() {
  while (!order_.empty() && !is_there(order_.front())) order_.pop_front();
  if (order_.size() <= 2 * items_.size() + kStalePlaces) return;
  std::erase_if(order_, [this](const Arrival& arrival) { return !is_there(arrival); });
}

}  // namespace sluice::core
