// size_bound.cpp: how large a message can become, without encoding it.
// SPDX-License-Identifier: MIT
#include <algorithm>

#include "wire/codec.hpp"
#include "wire/put.hpp"

namespace sluice::wire {
namespace {

// Outer array, numbers, ids and list headers of any message: WELCOME has most.
constexpr std::size_t kFixed = kHeaderBytes + 16 * (kMostNumber + 16);

template <typename Texts>
std::size_t names_size(const Texts& texts) {
  std::size_t size = kMostHeader;
  for (const auto& text : texts) size += kMostHeader + text.size();
  return size;
}

std::size_t resources_size(const std::vector<core::ResourceAmount>& resources) {
  std::size_t size = kMostHeader;
  for (const auto& r : resources) size += kMostHeader + kMostNumber + r.name.size();
  return size;
}

std::size_t list_size(std::size_t entries, std::size_t stride) {
  return kMostHeader + entries * stride * kMostNumber;
}

std::size_t more(const core::Hello& m) {
  return m.name.size() + m.agent.size() + names_size(m.types) + resources_size(m.resources);
}
std::size_t more(const core::Inventory& m) { return list_size(m.held.size(), 3); }
std::size_t more(const core::Ack& m) { return list_size(m.entries.size(), 3); }
std::size_t more(const core::Nack& m) {
  std::size_t size = list_size(m.entries.size(), 6);
  for (const auto& e : m.entries) size += std::min(e.text.size(), kMaxText);
  return size;
}
std::size_t more(const core::Progress& m) {
  std::size_t size = list_size(m.entries.size(), 3);
  for (const auto& e : m.entries) size += std::min(e.text.size(), kMaxText);
  return size;
}
std::size_t more(const core::Return& m) { return list_size(m.entries.size(), 2); }
std::size_t more(const core::Welcome& m) {
  return names_size(m.sinks) + (m.lane && m.lane->host ? m.lane->host->size() : 0);
}
std::size_t more(const core::Verdicts& m) { return list_size(m.entries.size(), 3); }
std::size_t more(const core::Tasks& m) {
  std::size_t size = names_size(m.types) + list_size(m.entries.size(), 10);
  for (const auto& e : m.entries) size += e.key.size() + e.payload.size();
  return size;
}
std::size_t more(const core::Cancel& m) { return list_size(m.entries.size(), 2); }
std::size_t more(const core::ErrorMessage& m) {
  return std::min(m.text.size(), kMaxText) + (m.endpoint ? m.endpoint->size() : 0);
}
std::size_t more(const core::SinkOpen& m) { return m.name.size() + m.agent.size(); }
std::size_t more(const core::Outcomes& m) {
  std::size_t size = names_size(m.types) + list_size(m.entries.size(), 12);
  for (const auto& e : m.entries) {
    size += e.key.size() + std::min(e.error.size(), kMaxText) + e.payload.size();
  }
  return size;
}
std::size_t more(const core::Watched& m) {
  return more(m.outcomes) + names_size(m.workers) + list_size(m.worker_index.size(), 1);
}
std::size_t more(const core::SinkConfirm& m) {
  return list_size(m.stored.size(), 2) + list_size(m.exceptions.size(), 4);
}
std::size_t more(const core::Watch& m) { return list_size(m.ranges.size(), 2); }
std::size_t more(const core::ClientOpen& m) { return m.name.size() + m.agent.size(); }
std::size_t more(const core::ClientOpened& m) { return names_size(m.sinks); }
std::size_t more(const core::Submit& m) {
  std::size_t size = names_size(m.types) + list_size(m.entries.size(), 10);
  for (const auto& e : m.entries) {
    size += e.key.size() + e.payload.size();
    if (e.options) size += list_size(1, 3) + resources_size(e.options->resources);
  }
  return size;
}
std::size_t more(const core::SubmitConfirm& m) { return list_size(m.exceptions.size(), 3); }
std::size_t more(const core::Query& m) { return m.verb.size() + names_size(m.args); }
std::size_t more(const core::Reply& m) { return m.json.size(); }
std::size_t more(const core::CancelTasks& m) { return list_size(m.seqs.size(), 1); }
std::size_t more(const core::CancelReply& m) { return list_size(m.answers.size(), 2); }
// Those of a few numbers only.
template <typename M>
std::size_t more(const M&) {
  return 0;
}

}  // namespace

std::size_t Codec::size_bound(const core::Envelope& envelope) {
  return kFixed + std::visit([](const auto& m) { return more(m); }, envelope.message);
}

}  // namespace sluice::wire
