// encoder_cold.cpp: writes the messages about sessions, and those of now and then.
// SPDX-License-Identifier: MIT
#include <string>

#include "wire/encoder.hpp"

namespace sluice::wire {
namespace {

template <typename M>
void write_open(Buffer& out, const M& m) {
  Writer(out).array(4).number(m.minor).bin(m.boot).str(m.name).str(m.agent);
}

void write_leases(Buffer& out, const std::vector<core::LeaseRef>& entries) {
  Writer w(out);
  w.array(1).array(entries.size() * 2);
  for (const core::LeaseRef& e : entries) w.id(e.seq).id(e.lease);
}

void write_str_or_nil(Writer& w, const std::optional<std::string>& text) {
  if (text) {
    w.str(*text);
  } else {
    w.nil();
  }
}

}  // namespace

void write_body(Buffer& out, const core::Hello& m) {
  Writer w(out);
  w.array(10).number(m.minor).bin(m.boot).str(m.name).str(m.agent).strs(m.types).number(m.slots);
  w.array(m.resources.size() * 2);
  for (const core::ResourceAmount& r : m.resources) w.str(r.name).number(r.amount);
  w.id(m.lanes).number(m.flags);
  if (m.previous) {
    w.array(3).bin(m.previous->log).id(m.previous->epoch).id(m.previous->sid);
  } else {
    w.nil();
  }
}

void write_body(Buffer& out, const core::Inventory& m) {
  Writer w(out);
  w.array(2).boolean(m.last).array(m.held.size() * 3);
  for (const core::HeldTask& e : m.held) w.id(e.seq).id(e.lease).id(e.state);
}

void write_body(Buffer& out, const core::Nack& m) {
  Writer w(out);
  w.array(1).array(m.entries.size() * 6);
  for (const core::NackEntry& e : m.entries) {
    w.id(e.seq).id(e.lease).id(e.reason).number(e.retry_ms).boolean(e.started);
    w.number(text_size(e.text));
  }
}

void write_heap(Buffer& out, const core::Nack& m) {
  for (const core::NackEntry& e : m.entries) append_text(out, e.text);
}

void write_body(Buffer& out, const core::Return& m) { write_leases(out, m.entries); }

void write_body(Buffer& out, const core::Gap& m) {
  Writer(out).array(2).number(m.first).number(m.last);
}

void write_body(Buffer& out, const core::Goodbye& m) { Writer(out).array(1).id(m.reason); }

void write_body(Buffer& out, const core::Progress& m) {
  Writer w(out);
  w.array(1).array(m.entries.size() * 3);
  for (const core::ProgressEntry& e : m.entries) w.id(e.seq).id(e.lease).number(text_size(e.text));
}

void write_heap(Buffer& out, const core::Progress& m) {
  for (const core::ProgressEntry& e : m.entries) append_text(out, e.text);
}

void write_body(Buffer& out, const core::Welcome& m) {
  Writer w(out);
  w.array(12).number(m.minor).bin(m.log).id(m.epoch).bin(m.inc);
  w.number(m.heartbeat_ms).number(m.dead_ms).number(m.fence_ms).number(m.reclaim_ms);
  if (m.lane) {
    w.array(2).number(m.lane->port);
    write_str_or_nil(w, m.lane->host);
  } else {
    w.nil();
  }
  w.number(m.max_frame).number(m.max_entries).strs(m.sinks);
}

void write_body(Buffer& out, const core::Verdicts& m) {
  Writer w(out);
  w.array(1).array(m.entries.size() * 3);
  for (const core::VerdictEntry& e : m.entries) w.id(e.seq).id(e.lease).id(e.verdict);
}

void write_body(Buffer& out, const core::Acked&) { Writer(out).array(0); }

void write_body(Buffer& out, const core::Ping& m) { Writer(out).array(1).number(m.last_state); }

void write_body(Buffer& out, const core::Cancel& m) { write_leases(out, m.entries); }

void write_body(Buffer& out, const core::Bye& m) { Writer(out).array(1).id(m.code); }

void write_body(Buffer& out, const core::Drain& m) { Writer(out).array(2).id(m.mode).number(m.ms); }

void write_body(Buffer& out, const core::ErrorMessage& m) {
  std::string text(utf8_clip(m.text, kMaxText));
  utf8_repair(text.data(), text.size());
  Writer w(out);
  w.array(4).id(m.code).str(text).number(m.retry_ms);
  write_str_or_nil(w, m.endpoint);
}

void write_body(Buffer& out, const core::SinkOpen& m) { write_open(out, m); }

void write_body(Buffer& out, const core::SinkOpened& m) {
  Writer w(out);
  w.array(8).number(m.minor).bin(m.sink_id).number(m.sink_epoch);
  w.number(m.heartbeat_ms).number(m.dead_ms).number(m.max_frame);
  w.number(m.outcomes_limit).number(m.bytes_limit);
}

void write_body(Buffer& out, const core::SinkBeat&) { Writer(out).array(0); }
void write_body(Buffer& out, const core::SinkBeaten&) { Writer(out).array(0); }

void write_body(Buffer& out, const core::Watch& m) {
  Writer w(out);
  w.array(3).bin(m.log).array(m.ranges.size() * 2);
  for (const core::SeqRange& r : m.ranges) w.id(r.first).id(r.last);
  w.number(m.seen);
}

void write_body(Buffer& out, const core::Floor& m) { Writer(out).array(2).bin(m.log).id(m.floor); }

void write_body(Buffer& out, const core::ClientOpen& m) { write_open(out, m); }

void write_body(Buffer& out, const core::ClientOpened& m) {
  Writer w(out);
  w.array(13).number(m.minor).bin(m.log).id(m.epoch).bin(m.inc);
  w.number(m.heartbeat_ms).number(m.dead_ms).number(m.max_frame).number(m.max_entries);
  w.number(m.dedup_ms).number(m.tasks_limit).number(m.bytes_limit).boolean(m.durable);
  w.strs(m.sinks);
}

void write_body(Buffer& out, const core::Query& m) {
  Writer w(out);
  w.array(1 + m.args.size()).str(m.verb);
  for (const std::string& arg : m.args) w.str(arg);
}

void write_body(Buffer& out, const core::Reply& m) { Writer(out).array(2).id(m.code).str(m.json); }

void write_body(Buffer& out, const core::CancelTasks& m) {
  Writer w(out);
  w.array(1).array(m.seqs.size());
  for (const core::Seq seq : m.seqs) w.id(seq);
}

void write_body(Buffer& out, const core::CancelReply& m) {
  Writer w(out);
  w.array(1).array(m.answers.size() * 2);
  for (const core::CancelAnswer& e : m.answers) w.id(e.seq).id(e.code);
}

void write_body(Buffer& out, const core::ClientBeat&) { Writer(out).array(0); }

void write_body(Buffer& out, const core::ClientBeaten& m) {
  Writer(out).array(2).number(m.tasks_limit).number(m.bytes_limit);
}

}  // namespace sluice::wire
