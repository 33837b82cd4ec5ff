// outcome_producer_batches.cpp: what is sent when, in how large messages, under which credit.
// SPDX-License-Identifier: MIT
#include <algorithm>
#include <utility>

#include "core/outcome_producer.hpp"

namespace sluice::core {
namespace {

constexpr Duration kResendLeast = 5s, kResendMost = 60s;
constexpr std::size_t kEntryBytes = 80;  // at most, of an outcome's numbers in the body
constexpr std::size_t kMostTypes = 256;  // in one message

}  // namespace

OutcomeProducer::Effects OutcomeProducer::take_effects() {
  if (phase_ == Phase::open) {
    send_due();
    send_unsent();
    flush_batch();
  }
  return std::exchange(out_, Effects{});
}

void OutcomeProducer::recycle(Effects&& effects) {
  for (Envelope& spent : effects.sends) pool_.give_back(std::move(spent.message));
  effects.sends.clear();
  effects.confirmed.clear();
  if (out_.sends.empty() && out_.sends.capacity() < effects.sends.capacity())
    out_.sends = std::move(effects.sends);
  if (out_.confirmed.empty() && out_.confirmed.capacity() < effects.confirmed.capacity())
    out_.confirmed = std::move(effects.confirmed);
}

// Sent before in this session, so it costs no credit (rule 1).
void OutcomeProducer::send_due() {
  for (const Resend& range : due_) {
    for (Rsn rsn = index_.first_from(range.first); rsn <= range.last && rsn < index_.end();
         rsn = index_.first_from(next(rsn))) {
      Record& record = records_[index_.find(rsn)];
      if (record.sent && record.due <= now_) append(rsn, record);
    }
  }
  due_.clear();
}

void OutcomeProducer::send_unsent() {
  for (;;) {
    next_unsent_ = index_.first_from(next_unsent_);
    if (next_unsent_ == index_.end()) return;
    Record& record = records_[index_.find(next_unsent_)];
    if (payload_of(record).size() > max_payload()) {
      finish(next_unsent_, Code::too_large, Status::failed);
      continue;
    }
    if (!covers(record)) return;
    ++outcomes_spent_;
    bytes_spent_ += payload_of(record).size();
    append(next_unsent_, record);
    next_unsent_ = next(next_unsent_);
  }
}

bool OutcomeProducer::covers(const Record& record) const {
  return outcomes_spent_ < outcomes_limit_ &&
         bytes_spent_ + payload_of(record).size() <= bytes_limit_;
}

// A frame also holds header, numbers, key and error: 64 KiB are left for those, or half of a
// small one.
std::uint64_t OutcomeProducer::max_payload() const {
  constexpr std::uint64_t kMargin = 64ULL << 10;
  return max_frame_ > 2 * kMargin ? max_frame_ - kMargin : max_frame_ / 2;
}

void OutcomeProducer::append(Rsn rsn, Record& record) {
  const std::size_t size = record.bytes.size() + kEntryBytes;
  const std::size_t most = std::min<std::uint64_t>(kBatchBytes, max_payload());
  if (!batch_.entries.empty() &&
      (batch_bytes_ + size > most || batch_.entries.size() >= options_.max_entries ||
       (batch_.types.size() >= kMostTypes && batch_.types.back() != record.type) ||
       batch_lineage_ != record.lineage))
    flush_batch();
  if (batch_.entries.empty()) {
    batch_ = pool_.take<Outcomes>();
    batch_.log = lineages_[record.lineage].log;
    batch_.epoch = lineages_[record.lineage].epoch;
    batch_lineage_ = record.lineage;
    batch_bytes_ = 0;
    batch_first_ = batch_last_ = rsn;
    batch_due_ = now_ + resend_interval(record.tries);
  }
  batch_bytes_ += size;
  batch_first_ = std::min(batch_first_, rsn);
  batch_last_ = std::max(batch_last_, rsn);
  if (record.tries < 16) ++record.tries;
  ++stats_.sent;
  if (record.ever_sent) ++stats_.resent;
  record.sent = record.ever_sent = true;
  record.deferred = false;
  record.due = batch_due_;

  const Bytes bytes = record.bytes.bytes();
  OutcomeEntry& entry = batch_.entries.emplace_back();
  entry.rsn = rsn;
  entry.seq = record.seq;
  entry.lease = record.lease;
  entry.attempt = record.attempt;
  entry.type_index = type_index(record.type);
  entry.flags = record.flags;
  entry.status = record.status;
  entry.started_us = record.started_us;
  entry.run_us = record.run_us;
  entry.key = as_text(bytes.first(record.key_size));
  entry.error = as_text(bytes.subspan(record.key_size, record.error_size));
  entry.payload = payload_of(record);
}

// A message has few types, and neighbours mostly the same one: the last is looked at first.
std::uint32_t OutcomeProducer::type_index(std::string_view type) {
  auto& types = batch_.types;
  for (std::size_t i = types.size(); i-- > 0;)
    if (types[i] == type) return static_cast<std::uint32_t>(i);
  types.push_back(type);
  batch_bytes_ += type.size() + 5;
  return static_cast<std::uint32_t>(types.size() - 1);
}

void OutcomeProducer::flush_batch() {
  if (batch_.entries.empty()) return;
  schedule(batch_due_, batch_first_, batch_last_);
  send(++count_, std::move(batch_));
  batch_ = Outcomes{};
}

void OutcomeProducer::schedule(Time at, Rsn first, Rsn last) {
  // A sink that defers a whole batch names its outcomes one by one: they stay together.
  if (!resends_.empty() && resends_.back().at == at && next(resends_.back().last) == first) {
    resends_.back().last = last;
    return;
  }
  resends_.push_back({at, first, last});
  std::push_heap(resends_.begin(), resends_.end(), Later{});
}

// Keeps the deadline from being that of outcomes confirmed long ago.
void OutcomeProducer::drop_spent_resends() {
  const Rsn oldest = index_.first_from(Rsn{1});
  if (oldest == index_.end()) resends_.clear();
  while (!resends_.empty() && resends_.front().last < oldest) {
    std::pop_heap(resends_.begin(), resends_.end(), Later{});
    resends_.pop_back();
  }
}

Duration OutcomeProducer::resend_interval(std::uint8_t tries) {
  Duration interval = kResendLeast;
  for (std::uint8_t i = 0; i < tries && interval < kResendMost; ++i) interval *= 2;
  interval = std::min(interval, kResendMost);
  return random_.between(interval - interval / 5, interval + interval / 5);
}

Bytes OutcomeProducer::payload_of(const Record& record) {
  return record.bytes.bytes().subspan(record.key_size + record.error_size);
}

}  // namespace sluice::core
