// journal_codec.cpp: varints, lengths and bytes, nothing else.
// SPDX-License-Identifier: MIT
#include "store/journal_codec.hpp"

#include <algorithm>
#include <limits>

namespace sluice::store {
namespace {

using core::Bytes;

// Which parts of a task follow.
enum Part : std::uint64_t {
  kType = 1,
  kPolicy = 2,
  kKey = 4,
  kWanted = 8,
  kPriority = 16,
  kSink = 32,
  kExec = 64,
  kNotBefore = 128,
  kExpires = 256,
  kAllParts = 511,
};

void put(std::vector<std::byte>& to, std::uint64_t value) {
  for (; value >= 0x80; value >>= 7) to.push_back(static_cast<std::byte>(value | 0x80U));
  to.push_back(static_cast<std::byte>(value));
}
void put(std::vector<std::byte>& to, Bytes bytes) {
  put(to, bytes.size());
  to.insert(to.end(), bytes.begin(), bytes.end());
}
void put_fixed(std::vector<std::byte>& to, std::uint64_t value) {
  for (unsigned i = 0; i < 8; ++i) to.push_back(static_cast<std::byte>(value >> (8 * i) & 0xffU));
}

bool take(Bytes& from, std::uint64_t& value) {
  value = 0;
  for (unsigned shift = 0; shift < 64; shift += 7) {
    if (from.empty()) return false;
    const auto byte = std::to_integer<std::uint64_t>(from.front());
    from = from.subspan(1);
    if (shift == 63 && byte > 1) return false;
    value |= (byte & 0x7fU) << shift;
    if (byte < 0x80) return true;
  }
  return false;
}
bool take(Bytes& from, std::uint32_t& value) {
  std::uint64_t wide = 0;
  if (!take(from, wide) || wide > std::numeric_limits<std::uint32_t>::max()) return false;
  value = static_cast<std::uint32_t>(wide);
  return true;
}
bool take(Bytes& from, Bytes& bytes) {
  std::uint64_t size = 0;
  if (!take(from, size) || size > from.size()) return false;
  bytes = from.first(size);
  from = from.subspan(size);
  return true;
}
bool take(Bytes& from, std::string_view& text) {
  Bytes bytes;
  if (!take(from, bytes)) return false;
  text = core::as_text(bytes);
  return true;
}
bool take(Bytes& from, core::Seq& seq) {
  std::uint64_t value = 0;
  if (!take(from, value)) return false;
  seq = static_cast<core::Seq>(value);
  return true;
}
bool take_fixed(Bytes& from, std::uint64_t& value) {
  if (from.size() < 8) return false;
  value = 0;
  for (unsigned i = 0; i < 8; ++i) value |= std::to_integer<std::uint64_t>(from[i]) << (8 * i);
  from = from.subspan(8);
  return true;
}

bool same_policy(const core::JournalTask& a, const core::JournalTask& b) {
  return a.max_attempts == b.max_attempts && a.max_losses == b.max_losses &&
         a.backoff_ms == b.backoff_ms && a.backoff_most_ms == b.backoff_most_ms;
}
void copy_policy(core::JournalTask& to, const core::JournalTask& from) {
  to.max_attempts = from.max_attempts;
  to.max_losses = from.max_losses;
  to.backoff_ms = from.backoff_ms;
  to.backoff_most_ms = from.backoff_most_ms;
}

}  // namespace

void BatchWriter::clear() {
  bytes_.clear();
  count_ = 0;
  type_.clear();
  policy_ = {};
}

void BatchWriter::add(const core::JournalTask& task) {
  std::uint64_t parts = 0;
  if (count_ == 0 || task.type != type_) parts |= kType;
  if (!same_policy(task, policy_)) parts |= kPolicy;
  if (!task.key.empty()) parts |= kKey;
  if (task.wanted) parts |= kWanted;
  if (task.priority != 0) parts |= kPriority;
  if (task.sink != 0) parts |= kSink;
  if (task.exec_ms != 0) parts |= kExec;
  if (task.not_before_ms != 0) parts |= kNotBefore;
  if (task.expires_ms != 0) parts |= kExpires;
  put(bytes_, parts);
  if ((parts & kType) != 0) {
    put(bytes_, core::as_bytes(task.type));
    type_ = task.type;
  }
  if ((parts & kPolicy) != 0) {
    put(bytes_, task.max_attempts);
    put(bytes_, task.max_losses);
    put(bytes_, task.backoff_ms);
    put(bytes_, task.backoff_most_ms);
    copy_policy(policy_, task);
  }
  if ((parts & kKey) != 0) {
    put(bytes_, core::as_bytes(task.key));
    put_fixed(bytes_, task.fingerprint);
  }
  if ((parts & kPriority) != 0) put(bytes_, task.priority);
  if ((parts & kSink) != 0) put(bytes_, task.sink);
  if ((parts & kExec) != 0) put(bytes_, task.exec_ms);
  if ((parts & kNotBefore) != 0) put(bytes_, task.not_before_ms);
  if ((parts & kExpires) != 0) put(bytes_, task.expires_ms);
  put(bytes_, task.payload);
  ++count_;
}

bool BatchReader::next(core::JournalTask& task) {
  task = {};
  std::uint64_t parts = 0;
  if (!take(left_, parts) || parts > kAllParts) return false;
  if ((parts & kType) != 0 && !take(left_, type_)) return false;
  if ((parts & kPolicy) != 0 &&
      !(take(left_, policy_.max_attempts) && take(left_, policy_.max_losses) &&
        take(left_, policy_.backoff_ms) && take(left_, policy_.backoff_most_ms)))
    return false;
  task.type = type_;
  copy_policy(task, policy_);
  if ((parts & kKey) != 0 && !(take(left_, task.key) && take_fixed(left_, task.fingerprint)))
    return false;
  task.wanted = (parts & kWanted) != 0;
  return ((parts & kPriority) == 0 || take(left_, task.priority)) &&
         ((parts & kSink) == 0 || take(left_, task.sink)) &&
         ((parts & kExec) == 0 || take(left_, task.exec_ms)) &&
         ((parts & kNotBefore) == 0 || take(left_, task.not_before_ms)) &&
         ((parts & kExpires) == 0 || take(left_, task.expires_ms)) && take(left_, task.payload);
}

void put_key(std::vector<std::byte>& to, const core::JournalTask& task) {
  put(to, core::as_bytes(task.key));
  put(to, core::raw(task.seq));
  put_fixed(to, task.fingerprint);
}

bool take_key(Bytes& from, core::JournalKey& key) {
  return take(from, key.key) && take(from, key.seq) && take_fixed(from, key.fingerprint);
}

void put_answer(std::vector<std::byte>& to, const core::JournalAnswer& answer) {
  const Bytes boot = std::as_bytes(std::span(answer.boot));
  to.insert(to.end(), boot.begin(), boot.end());
  put(to, answer.cno);
  put(to, core::raw(answer.first));
  put(to, answer.exceptions.size());
  for (const core::SubmitException& one : answer.exceptions) {
    put(to, one.index);
    put(to, static_cast<std::uint64_t>(one.code));
    put(to, core::raw(one.seq));
  }
}

bool take_answer(Bytes& from, core::JournalAnswer& answer,
                 std::vector<core::SubmitException>& exceptions) {
  exceptions.clear();
  if (from.size() < answer.boot.size()) return false;
  for (std::size_t i = 0; i < answer.boot.size(); ++i)
    answer.boot[i] = std::to_integer<std::uint8_t>(from[i]);
  from = from.subspan(answer.boot.size());
  std::uint64_t count = 0;
  if (!take(from, answer.cno) || !take(from, answer.first) || !take(from, count)) return false;
  if (count > from.size()) return false;
  for (; count > 0; --count) {
    core::SubmitException one;
    std::uint32_t code = 0;
    if (!take(from, one.index) || !take(from, code) || !take(from, one.seq)) return false;
    one.code = static_cast<core::Code>(code);
    exceptions.push_back(one);
  }
  answer.exceptions = exceptions;
  return true;
}

}  // namespace sluice::store
