// decoder_cold.cpp: reads the messages about sessions, and those of now and then.
// SPDX-License-Identifier: MIT
#include "wire/decoder.hpp"

namespace sluice::wire {
namespace {

template <typename M>
void read_open(Reading& in, M& m) {
  Cursor& c = in.cursor;
  const std::size_t extra = c.open(4);
  m.minor = c.number();
  c.fixed(m.boot);
  m.name = c.name();
  m.agent = c.name();
  c.skip_elements(extra, 1);
}

void read_empty(Reading& in) { in.cursor.skip_elements(in.cursor.open(0), 1); }

void read_leases(Reading& in, std::vector<core::LeaseRef>& out) {
  Cursor& c = in.cursor;
  const std::size_t extra = c.open(1);
  const std::size_t count = c.groups(2, in.limits.max_entries);
  out.reserve(count);
  for (std::size_t i = 0; i < count && c.ok(); ++i) {
    core::LeaseRef& e = out.emplace_back();
    e.seq = c.id<core::Seq>();
    e.lease = c.id<core::Lease>();
  }
  c.skip_elements(extra, 1);
}

}  // namespace

core::Code read_code(Cursor& c) {
  const std::uint64_t value = c.number();
  const bool known = value <= 21 ? value != 16 : value == 24;
  return known ? static_cast<core::Code>(value) : core::Code::internal;
}

void read_resources(Cursor& c, std::vector<core::ResourceAmount>& out) {
  const std::size_t count = c.groups(2, kMaxResources);
  out.reserve(count);
  for (std::size_t i = 0; i < count && c.ok(); ++i) {
    core::ResourceAmount& e = out.emplace_back();
    e.name = c.name();
    e.amount = c.number();
  }
}

void read(Reading& in, core::Hello& m) {
  Cursor& c = in.cursor;
  const std::size_t extra = c.open(10);
  m.minor = c.number();
  c.fixed(m.boot);
  m.name = c.name();
  m.agent = c.name();
  read_names(c, m.types, kMaxTypes, kMaxName);
  m.slots = c.number32();
  if (!c.nil()) read_resources(c, m.resources);
  m.lanes = read_enum(c, core::LaneWish::inline_only, core::LaneWish::push);
  m.flags = c.number32();
  if (!c.nil()) {
    core::PreviousSession& previous = m.previous.emplace();
    const std::size_t newer = c.open(3);
    c.fixed(previous.log);
    previous.epoch = read_epoch(c);
    previous.sid = c.id<core::Sid>();
    c.skip_elements(newer, 2);
  }
  c.skip_elements(extra, 1);
}

void read(Reading& in, core::Inventory& m) {
  Cursor& c = in.cursor;
  const std::size_t extra = c.open(2);
  m.last = c.boolean();
  const std::size_t count = c.groups(3, kMaxInventory);
  m.held.reserve(count);
  for (std::size_t i = 0; i < count && c.ok(); ++i) {
    core::HeldTask& e = m.held.emplace_back();
    e.seq = c.id<core::Seq>();
    e.lease = c.id<core::Lease>();
    e.state = read_enum(c, core::HeldState::queued, core::HeldState::nack_open);
  }
  c.skip_elements(extra, 1);
}

void read(Reading& in, core::Nack& m) {
  Cursor& c = in.cursor;
  const std::size_t extra = c.open(1);
  const std::size_t count = c.groups(6, in.limits.max_entries);
  m.entries.reserve(count);
  for (std::size_t i = 0; i < count && c.ok(); ++i) {
    core::NackEntry& e = m.entries.emplace_back();
    e.seq = c.id<core::Seq>();
    e.lease = c.id<core::Lease>();
    e.reason = read_enum(c, core::NackReason::no_such_type, core::NackReason::cancelled);
    e.retry_ms = c.number();
    e.started = c.boolean();
    e.text = readable(core::as_text(in.heap.take(c.number(), c)));
  }
  c.skip_elements(extra, 1);
}

void read(Reading& in, core::Return& m) { read_leases(in, m.entries); }

void read(Reading& in, core::Gap& m) {
  Cursor& c = in.cursor;
  const std::size_t extra = c.open(2);
  m = read_range<core::Gap>(c);
  c.skip_elements(extra, 1);
}

void read(Reading& in, core::Goodbye& m) {
  const std::size_t extra = in.cursor.open(1);
  m.reason = read_code(in.cursor);
  in.cursor.skip_elements(extra, 1);
}

void read(Reading& in, core::Progress& m) {
  Cursor& c = in.cursor;
  const std::size_t extra = c.open(1);
  const std::size_t count = c.groups(3, in.limits.max_entries);
  m.entries.reserve(count);
  for (std::size_t i = 0; i < count && c.ok(); ++i) {
    core::ProgressEntry& e = m.entries.emplace_back();
    e.seq = c.id<core::Seq>();
    e.lease = c.id<core::Lease>();
    e.text = readable(core::as_text(in.heap.take(c.number(), c)));
  }
  c.skip_elements(extra, 1);
}

void read(Reading& in, core::Welcome& m) {
  Cursor& c = in.cursor;
  const std::size_t extra = c.open(12);
  m.minor = c.number();
  c.fixed(m.log);
  m.epoch = read_epoch(c);
  c.fixed(m.inc);
  m.heartbeat_ms = c.number();
  m.dead_ms = c.number();
  m.fence_ms = c.number();
  m.reclaim_ms = c.number();
  if (!c.nil()) {
    core::LaneAddress& lane = m.lane.emplace();
    const std::size_t newer = c.open(2);
    lane.port = static_cast<std::uint32_t>(c.number_up_to(65535));
    if (!c.nil()) lane.host = c.utf8(kMaxEndpoint);
    c.skip_elements(newer, 2);
  }
  m.max_frame = c.number();
  m.max_entries = c.number();
  read_names(c, m.sinks, kMaxSinks, kMaxEndpoint);
  c.skip_elements(extra, 1);
}

void read(Reading& in, core::Verdicts& m) {
  Cursor& c = in.cursor;
  const std::size_t extra = c.open(1);
  const std::size_t count = c.groups(3, kMaxInventory);
  m.entries.reserve(count);
  for (std::size_t i = 0; i < count && c.ok(); ++i) {
    core::VerdictEntry& e = m.entries.emplace_back();
    e.seq = c.id<core::Seq>();
    e.lease = c.id<core::Lease>();
    e.verdict = read_enum(c, core::Verdict::drop, core::Verdict::re_leased);
  }
  c.skip_elements(extra, 1);
}

void read(Reading& in, core::Acked&) { read_empty(in); }

void read(Reading& in, core::Ping& m) {
  const std::size_t extra = in.cursor.open(1);
  m.last_state = in.cursor.number();
  in.cursor.skip_elements(extra, 1);
}

void read(Reading& in, core::Cancel& m) { read_leases(in, m.entries); }

void read(Reading& in, core::Bye& m) {
  const std::size_t extra = in.cursor.open(1);
  m.code = read_code(in.cursor);
  in.cursor.skip_elements(extra, 1);
}

void read(Reading& in, core::Drain& m) {
  Cursor& c = in.cursor;
  const std::size_t extra = c.open(2);
  m.mode = read_enum(c, core::DrainMode::finish, core::DrainMode::stop);
  m.ms = c.number();
  c.skip_elements(extra, 1);
}

void read(Reading& in, core::ErrorMessage& m) {
  Cursor& c = in.cursor;
  const std::size_t extra = c.open(4);
  m.code = read_code(c);
  m.text = readable(c.string());
  m.retry_ms = c.number();
  if (!c.nil()) m.endpoint = c.utf8(kMaxEndpoint);
  c.skip_elements(extra, 1);
}

void read(Reading& in, core::SinkOpen& m) { read_open(in, m); }

void read(Reading& in, core::SinkOpened& m) {
  Cursor& c = in.cursor;
  const std::size_t extra = c.open(8);
  m.minor = c.number();
  c.fixed(m.sink_id);
  m.sink_epoch = c.number();
  m.heartbeat_ms = c.number();
  m.dead_ms = c.number();
  m.max_frame = c.number();
  m.outcomes_limit = c.number();
  m.bytes_limit = c.number();
  c.skip_elements(extra, 1);
}

void read(Reading& in, core::SinkBeat&) { read_empty(in); }
void read(Reading& in, core::SinkBeaten&) { read_empty(in); }

void read(Reading& in, core::Watch& m) {
  Cursor& c = in.cursor;
  const std::size_t extra = c.open(3);
  c.fixed(m.log);
  const std::size_t count = c.groups(2, in.limits.max_entries);
  m.ranges.reserve(count);
  for (std::size_t i = 0; i < count && c.ok(); ++i) {
    m.ranges.push_back(read_range<core::SeqRange>(c));
  }
  m.seen = c.number();
  c.skip_elements(extra, 1);
}

void read(Reading& in, core::Floor& m) {
  Cursor& c = in.cursor;
  const std::size_t extra = c.open(2);
  c.fixed(m.log);
  m.floor = c.id<core::Seq>();
  c.skip_elements(extra, 1);
}

void read(Reading& in, core::ClientOpen& m) { read_open(in, m); }

void read(Reading& in, core::ClientOpened& m) {
  Cursor& c = in.cursor;
  const std::size_t extra = c.open(13);
  m.minor = c.number();
  c.fixed(m.log);
  m.epoch = read_epoch(c);
  c.fixed(m.inc);
  m.heartbeat_ms = c.number();
  m.dead_ms = c.number();
  m.max_frame = c.number();
  m.max_entries = c.number();
  m.dedup_ms = c.number();
  m.tasks_limit = c.number();
  m.bytes_limit = c.number();
  m.durable = c.boolean();
  read_names(c, m.sinks, kMaxSinks, kMaxEndpoint);
  c.skip_elements(extra, 1);
}

// The arguments are the rest of the array, so QUERY cannot grow by elements.
void read(Reading& in, core::Query& m) {
  Cursor& c = in.cursor;
  const std::size_t args = c.open(1);
  m.verb = c.name();
  if (args > kMaxQueryArgs) return c.fail(core::Code::too_large, "a query has too many arguments");
  m.args.reserve(args);
  for (std::size_t i = 0; i < args && c.ok(); ++i) m.args.emplace_back(c.utf8(kMaxControlFrame));
}

void read(Reading& in, core::Reply& m) {
  Cursor& c = in.cursor;
  const std::size_t extra = c.open(2);
  m.code = read_code(c);
  m.json = c.utf8(in.limits.max_body);
  c.skip_elements(extra, 1);
}

void read(Reading& in, core::CancelTasks& m) {
  Cursor& c = in.cursor;
  const std::size_t extra = c.open(1);
  const std::size_t count = c.groups(1, in.limits.max_entries);
  m.seqs.reserve(count);
  for (std::size_t i = 0; i < count && c.ok(); ++i) m.seqs.push_back(c.id<core::Seq>());
  c.skip_elements(extra, 1);
}

void read(Reading& in, core::CancelReply& m) {
  Cursor& c = in.cursor;
  const std::size_t extra = c.open(1);
  const std::size_t count = c.groups(2, in.limits.max_entries);
  m.answers.reserve(count);
  for (std::size_t i = 0; i < count && c.ok(); ++i) {
    core::CancelAnswer& e = m.answers.emplace_back();
    e.seq = c.id<core::Seq>();
    e.code = read_code(c);
  }
  c.skip_elements(extra, 1);
}

void read(Reading& in, core::ClientBeat&) { read_empty(in); }

void read(Reading& in, core::ClientBeaten& m) {
  Cursor& c = in.cursor;
  const std::size_t extra = c.open(2);
  m.tasks_limit = c.number();
  m.bytes_limit = c.number();
  c.skip_elements(extra, 1);
}

}  // namespace sluice::wire
