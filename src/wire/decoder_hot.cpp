// decoder_hot.cpp: reads the messages a task meets on its way, allocating nothing per entry.
// SPDX-License-Identifier: MIT
#include "wire/decoder.hpp"

namespace sluice::wire {
namespace {

std::uint32_t read_attempt(Cursor& c) {
  return static_cast<std::uint32_t>(c.number_up_to(0x7FFFFFFF));
}

// nil and "" both mean: no key.
std::string_view read_key(Cursor& c) { return c.nil() ? std::string_view{} : c.name(); }

std::uint32_t read_type_index(Cursor& c, std::size_t types) {
  const std::uint64_t index = c.number();
  if (index >= types) c.fail(core::Code::bad_frame, "a type_index is beyond the list of types");
  return static_cast<std::uint32_t>(index);
}

core::SubmitOptions read_options(Cursor& c) {
  core::SubmitOptions options;
  const std::size_t extra = c.open(4);
  options.backoff_ms = c.number();
  options.backoff_max_ms = c.number();
  options.max_losses = c.number32();
  read_resources(c, options.resources);
  c.skip_elements(extra, 3);
  return options;
}

}  // namespace

void read(Reading& in, core::State& m) {
  Cursor& c = in.cursor;
  const std::size_t extra = c.open(9);
  m.lane_rx = c.number();
  m.tasks_limit = c.number();
  m.bytes_limit = c.number();
  m.queued = c.number();
  m.running = c.number();
  m.retained = c.number();
  m.retained_bytes = c.number();
  m.busy_ms = c.number();
  m.ping_echo = c.number();
  c.skip_elements(extra, 1);
}

void read(Reading& in, core::Ack& m) {
  Cursor& c = in.cursor;
  const std::size_t extra = c.open(1);
  const std::size_t count = c.groups(3, in.limits.max_entries);
  m.entries.reserve(count);
  for (std::size_t i = 0; i < count && c.ok(); ++i) {
    core::AckEntry& e = m.entries.emplace_back();
    e.seq = c.id<core::Seq>();
    e.lease = c.id<core::Lease>();
    e.status = read_status(c);
  }
  c.skip_elements(extra, 1);
}

void read(Reading& in, core::Tasks& m) {
  Cursor& c = in.cursor;
  const std::size_t extra = c.open(6);
  m.epoch = read_epoch(c);
  m.tasks_before = c.number();
  m.bytes_before = c.number();
  m.void_n = c.number();
  read_names(c, m.types, kMaxTypes, kMaxName);
  const std::size_t count = c.groups(10, in.limits.max_entries);
  m.entries.reserve(count);
  for (std::size_t i = 0; i < count && c.ok(); ++i) {
    core::TaskEntry& e = m.entries.emplace_back();
    e.seq = c.id<core::Seq>();
    e.lease = c.id<core::Lease>();
    e.attempt = read_attempt(c);
    e.key = read_key(c);
    e.type_index = read_type_index(c, m.types.size());
    e.flags = c.number32();
    e.sink = c.number32();
    e.ttl_ms = c.number();
    e.exec_ms = c.number();
    e.payload = read_payload(in, c.number());
  }
  c.skip_elements(extra, 1);
}

namespace {

void read_outcomes(Reading& in, core::Outcomes& m) {
  Cursor& c = in.cursor;
  c.fixed(m.log);
  m.epoch = read_epoch(c);
  read_names(c, m.types, kMaxTypes, kMaxName);
  const std::size_t count = c.groups(12, in.limits.max_entries);
  m.entries.reserve(count);
  for (std::size_t i = 0; i < count && c.ok(); ++i) {
    core::OutcomeEntry& e = m.entries.emplace_back();
    e.rsn = c.id<core::Rsn>();
    e.seq = c.id<core::Seq>();
    e.lease = c.id<core::Lease>();
    e.attempt = read_attempt(c);
    e.key = read_key(c);
    e.type_index = read_type_index(c, m.types.size());
    e.status = read_status(c);
    e.flags = c.number32();
    e.started_us = c.number();
    e.run_us = c.number();
    const std::uint64_t error_len = c.number();
    const std::uint64_t len = c.number();
    e.error = core::as_text(in.heap.take(error_len, c));
    if (!e.error.empty()) e.error = readable(e.error);
    e.payload = read_payload(in, len);
  }
}

}  // namespace

void read(Reading& in, core::Outcomes& m) {
  const std::size_t extra = in.cursor.open(4);
  read_outcomes(in, m);
  in.cursor.skip_elements(extra, 1);
}

void read(Reading& in, core::Watched& m) {
  Cursor& c = in.cursor;
  const std::size_t extra = c.open(6);
  read_outcomes(in, m.outcomes);
  read_names(c, m.workers, kMaxTypes, kMaxName);
  const std::size_t count = c.groups(1, in.limits.max_entries);
  if (c.ok() && count != m.outcomes.entries.size())
    c.fail(core::Code::bad_frame, "there is not one worker for each outcome");
  m.worker_index.reserve(count);
  for (std::size_t i = 0; i < count && c.ok(); ++i) {
    const std::uint64_t index = c.number();
    if (index >= m.workers.size())
      c.fail(core::Code::bad_frame, "a worker's index is beyond the list of workers");
    m.worker_index.push_back(static_cast<std::uint32_t>(index));
  }
  c.skip_elements(extra, 1);
}

void read(Reading& in, core::SinkConfirm& m) {
  Cursor& c = in.cursor;
  const std::size_t extra = c.open(4);
  const std::size_t ranges = c.groups(2, in.limits.max_entries);
  m.stored.reserve(ranges);
  for (std::size_t i = 0; i < ranges && c.ok(); ++i) {
    m.stored.push_back(read_range<core::ConfirmRange>(c));
  }
  const std::size_t exceptions = c.groups(4, in.limits.max_entries);
  m.exceptions.reserve(exceptions);
  for (std::size_t i = 0; i < exceptions && c.ok(); ++i) {
    core::ConfirmException& e = m.exceptions.emplace_back();
    e.rsn = c.id<core::Rsn>();
    e.code = read_code(c);
    e.status = read_status(c);
    e.retry_ms = c.number();
  }
  m.outcomes_limit = c.number();
  m.bytes_limit = c.number();
  c.skip_elements(extra, 1);
}

void read(Reading& in, core::Submit& m) {
  Cursor& c = in.cursor;
  const std::size_t extra = c.open(2);
  read_names(c, m.types, kMaxTypes, kMaxName);
  const std::size_t count = c.groups(10, in.limits.max_entries);
  m.entries.reserve(count);
  for (std::size_t i = 0; i < count && c.ok(); ++i) {
    core::SubmitEntry& e = m.entries.emplace_back();
    e.key = read_key(c);
    e.type_index = read_type_index(c, m.types.size());
    e.flags = c.number32();
    e.priority = c.number32();
    e.delay_ms = c.number();
    e.ttl_ms = c.number();
    e.exec_ms = c.number();
    e.max_attempts = c.number32();
    if (!c.nil()) e.options = read_options(c);
    e.payload = read_payload(in, c.number());
  }
  c.skip_elements(extra, 1);
}

void read(Reading& in, core::SubmitConfirm& m) {
  Cursor& c = in.cursor;
  const std::size_t extra = c.open(4);
  m.first = c.id<core::Seq>();
  const std::size_t count = c.groups(3, in.limits.max_entries);
  m.exceptions.reserve(count);
  for (std::size_t i = 0; i < count && c.ok(); ++i) {
    core::SubmitException& e = m.exceptions.emplace_back();
    e.index = c.number32();
    e.code = read_code(c);
    e.seq = c.id<core::Seq>();
  }
  m.tasks_limit = c.number();
  m.bytes_limit = c.number();
  c.skip_elements(extra, 1);
}

}  // namespace sluice::wire
