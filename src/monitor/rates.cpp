// rates.cpp: a short window of samples.
// SPDX-License-Identifier: MIT
#include "monitor/rates.hpp"

#include <chrono>

namespace sluice::monitor {
namespace {

constexpr core::Duration kEvery = std::chrono::seconds(1);
constexpr std::size_t kWindow = 10;

}  // namespace

void Rate::sample(std::uint64_t total, core::Time now) {
  if (!samples_.empty() && now - samples_.back().at < kEvery) return;
  samples_.push_back({now, total});
  if (samples_.size() > kWindow) samples_.pop_front();
}

double Rate::per_second(std::uint64_t total, core::Time now) const {
  if (samples_.empty()) return 0;
  const Sample& first = samples_.front();
  const double seconds = std::chrono::duration<double>(now - first.at).count();
  return seconds <= 0 ? 0 : static_cast<double>(total - first.total) / seconds;
}

}  // namespace sluice::monitor
