// encoder_hot.cpp: writes the messages a task meets on its way.
// SPDX-License-Identifier: MIT
#include <span>

#include "wire/encoder.hpp"

namespace sluice::wire {
namespace {

template <typename Id>
std::byte* put_id(std::byte* at, Id id) {
  return put_number(at, static_cast<std::uint64_t>(id));
}

void write_options(Writer& w, const core::SubmitOptions& options) {
  w.array(4).number(options.backoff_ms).number(options.backoff_max_ms).number(options.max_losses);
  w.array(options.resources.size() * 2);
  for (const core::ResourceAmount& r : options.resources) w.str(r.name).number(r.amount);
}

template <typename Entries>
void append_payloads(Buffer& out, const Entries& entries) {
  std::size_t total = 0;
  for (const auto& e : entries) total += e.payload.size();
  std::byte* at = out.room(total);
  for (const auto& e : entries) at = put_bytes(at, e.payload.data(), e.payload.size());
  out.set_end(at);
}

}  // namespace

void write_body(Buffer& out, const core::State& m) {
  std::byte* at = out.room(kMostHeader + 9 * kMostNumber);
  at = put_array(at, 9);
  at = put_number(at, m.lane_rx);
  at = put_number(at, m.tasks_limit);
  at = put_number(at, m.bytes_limit);
  at = put_number(at, m.queued);
  at = put_number(at, m.running);
  at = put_number(at, m.retained);
  at = put_number(at, m.retained_bytes);
  at = put_number(at, m.busy_ms);
  at = put_number(at, m.ping_echo);
  out.set_end(at);
}

void write_body(Buffer& out, const core::Ack& m) {
  std::byte* at = out.room(2 * kMostHeader + m.entries.size() * 3 * kMostNumber);
  at = put_array(at, 1);
  at = put_array(at, m.entries.size() * 3);
  for (const core::AckEntry& e : m.entries) {
    at = put_id(at, e.seq);
    at = put_id(at, e.lease);
    at = put_id(at, e.status);
  }
  out.set_end(at);
}

void write_body(Buffer& out, const core::Tasks& m) {
  Writer w(out);
  w.array(6).id(m.epoch).number(m.tasks_before).number(m.bytes_before).number(m.void_n);
  w.strs(m.types);
  w.array(m.entries.size() * 10);
  for (const core::TaskEntry& e : m.entries) {
    std::byte* at = out.room(9 * kMostNumber + kMostHeader + e.key.size());
    at = put_id(at, e.seq);
    at = put_id(at, e.lease);
    at = put_number(at, e.attempt);
    at = put_str_or_nil(at, e.key);
    at = put_number(at, e.type_index);
    at = put_number(at, e.flags);
    at = put_number(at, e.sink);
    at = put_number(at, e.ttl_ms);
    at = put_number(at, e.exec_ms);
    at = put_number(at, e.payload.size());
    out.set_end(at);
  }
}

void write_heap(Buffer& out, const core::Tasks& m) { append_payloads(out, m.entries); }

namespace {

void write_outcomes(Buffer& out, const core::Outcomes& m, std::size_t elements) {
  Writer w(out);
  w.array(elements).bin(m.log).id(m.epoch).strs(m.types);
  w.array(m.entries.size() * 12);
  for (const core::OutcomeEntry& e : m.entries) {
    std::byte* at = out.room(11 * kMostNumber + kMostHeader + e.key.size());
    at = put_id(at, e.rsn);
    at = put_id(at, e.seq);
    at = put_id(at, e.lease);
    at = put_number(at, e.attempt);
    at = put_str_or_nil(at, e.key);
    at = put_number(at, e.type_index);
    at = put_id(at, e.status);
    at = put_number(at, e.flags);
    at = put_number(at, e.started_us);
    at = put_number(at, e.run_us);
    at = put_number(at, text_size(e.error));
    at = put_number(at, e.payload.size());
    out.set_end(at);
  }
}

}  // namespace

void write_body(Buffer& out, const core::Outcomes& m) { write_outcomes(out, m, 4); }

void write_heap(Buffer& out, const core::Outcomes& m) {
  for (const core::OutcomeEntry& e : m.entries) {
    append_text(out, e.error);
    out.append(e.payload);
  }
}

void write_body(Buffer& out, const core::Watched& m) {
  write_outcomes(out, m.outcomes, 6);
  Writer w(out);
  w.strs(m.workers).array(m.worker_index.size());
  for (const std::uint32_t index : m.worker_index) w.number(index);
}
void write_heap(Buffer& out, const core::Watched& m) { write_heap(out, m.outcomes); }

void write_body(Buffer& out, const core::SinkConfirm& m) {
  std::byte* at = out.room(3 * kMostHeader + 2 * kMostNumber +
                           (m.stored.size() * 2 + m.exceptions.size() * 4) * kMostNumber);
  at = put_array(at, 4);
  at = put_array(at, m.stored.size() * 2);
  for (const core::ConfirmRange& r : m.stored) {
    at = put_id(at, r.first);
    at = put_id(at, r.last);
  }
  at = put_array(at, m.exceptions.size() * 4);
  for (const core::ConfirmException& e : m.exceptions) {
    at = put_id(at, e.rsn);
    at = put_id(at, e.code);
    at = put_id(at, e.status);
    at = put_number(at, e.retry_ms);
  }
  at = put_number(at, m.outcomes_limit);
  at = put_number(at, m.bytes_limit);
  out.set_end(at);
}

void write_body(Buffer& out, const core::Submit& m) {
  Writer w(out);
  w.array(2).strs(m.types).array(m.entries.size() * 10);
  for (const core::SubmitEntry& e : m.entries) {
    std::byte* at = out.room(8 * kMostNumber + kMostHeader + e.key.size());
    at = put_str_or_nil(at, e.key);
    at = put_number(at, e.type_index);
    at = put_number(at, e.flags);
    at = put_number(at, e.priority);
    at = put_number(at, e.delay_ms);
    at = put_number(at, e.ttl_ms);
    at = put_number(at, e.exec_ms);
    at = put_number(at, e.max_attempts);
    out.set_end(at);
    if (e.options) {
      write_options(w, *e.options);
    } else {
      w.nil();
    }
    w.number(e.payload.size());
  }
}

void write_heap(Buffer& out, const core::Submit& m) { append_payloads(out, m.entries); }

void write_body(Buffer& out, const core::SubmitConfirm& m) {
  std::byte* at = out.room(2 * kMostHeader + (3 + m.exceptions.size() * 3) * kMostNumber);
  at = put_array(at, 4);
  at = put_id(at, m.first);
  at = put_array(at, m.exceptions.size() * 3);
  for (const core::SubmitException& e : m.exceptions) {
    at = put_number(at, e.index);
    at = put_id(at, e.code);
    at = put_id(at, e.seq);
  }
  at = put_number(at, m.tasks_limit);
  at = put_number(at, m.bytes_limit);
  out.set_end(at);
}

}  // namespace sluice::wire
