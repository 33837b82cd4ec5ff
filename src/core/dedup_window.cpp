// dedup_window.cpp: how long a key, or a client's submit, is remembered.
// SPDX-License-Identifier: MIT
#include "core/dedup_window.hpp"

#include <utility>

namespace sluice::core {

const KeyWindow::Known* KeyWindow::find(std::string_view key) const {
  const auto at = known_.find(key);
  return at == known_.end() ? nullptr : &at->second;
}

void KeyWindow::remember(std::string_view key, Seq seq, std::uint64_t fingerprint, Time now) {
  known_[std::string(key)] = Known{seq, fingerprint};
  ages_.push_back({now, std::string(key)});
}

void KeyWindow::expire(Time now, const std::function<bool(Seq)>& is_settled) {
  // At most one look at each entry: those of unsettled tasks go round to the end.
  for (std::size_t left = ages_.size(); left > 0; --left) {
    const bool crowded = known_.size() > most_;
    if (!crowded && now - ages_.front().since < window_) return;
    Age age = std::move(ages_.front());
    ages_.pop_front();
    const auto at = known_.find(age.key);
    if (at != known_.end() && !is_settled(at->second.seq)) {
      ages_.push_back({now, std::move(age.key)});
      continue;
    }
    if (at != known_.end()) known_.erase(at);
  }
}

std::uint64_t fingerprint(std::string_view type, Bytes payload) {
  std::uint64_t hash = 0xcbf29ce484222325ULL;  // FNV-1a, 64 bits
  const auto mix = [&hash](std::uint8_t byte) {
    hash ^= byte;
    hash *= 0x100000001b3ULL;
  };
  for (const char c : type) mix(static_cast<std::uint8_t>(c));
  mix(0);
  for (const std::byte b : payload) mix(static_cast<std::uint8_t>(b));
  return hash;
}

SubmitWindow::Answered* SubmitWindow::find(const Boot& boot, std::uint64_t cno) {
  const auto at = answers_.find({boot, cno});
  return at == answers_.end() ? nullptr : &at->second;
}

void SubmitWindow::remember(const Boot& boot, std::uint64_t cno, Answered answer, Time now) {
  const std::size_t cost = 1 + answer.confirm.exceptions.size();
  answers_[{boot, cno}] = std::move(answer);
  ages_.push_back({now, boot, cno, cost});
  cost_ += cost;
  while (cost_ > most_ && ages_.size() > 1) drop_oldest();
}

void SubmitWindow::expire(Time now) {
  while (!ages_.empty() && now - ages_.front().since >= window_) drop_oldest();
}

void SubmitWindow::drop_oldest() {
  const Age& oldest = ages_.front();
  answers_.erase({oldest.boot, oldest.cno});
  cost_ -= oldest.cost;
  ages_.pop_front();
}

}  // namespace sluice::core
