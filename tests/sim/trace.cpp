// trace.cpp: numbers and words for what has happened.
// SPDX-License-Identifier: MIT
#include "sim/trace.hpp"

#include <cstdio>
#include <cstring>

#include "wire/frame.hpp"

namespace sluice::sim {
namespace {

using namespace core;

std::string text(std::uint64_t number) { return std::to_string(number); }
std::string pair(Seq seq, Lease lease) { return " " + text(raw(seq)) + "/" + text(raw(lease)); }
std::string_view name(Status status) {
  constexpr std::string_view kNames[] = {"done", "failed", "expired", "cancelled"};
  return kNames[static_cast<std::size_t>(status) & 3U];
}

template <typename List, typename Each>
std::string list(const List& entries, Each each) {
  constexpr std::size_t kMost = 12;
  std::string out;
  std::size_t count = 0;
  for (const auto& entry : entries) {
    if (++count > kMost) return out + " +" + text(entries.size() - kMost);
    out += each(entry);
  }
  return out;
}

struct Words {
  std::string operator()(const Hello& m) const {
    return m.previous ? " again" : "";
  }
  std::string operator()(const Inventory& m) const {
    return list(m.held, [](const HeldTask& h) {
      return pair(h.seq, h.lease) + ":" + text(static_cast<std::uint64_t>(h.state));
    });
  }
  std::string operator()(const State& m) const {
    return " rx=" + text(m.lane_rx) + " limit=" + text(m.tasks_limit) + " queued=" +
           text(m.queued) + " running=" + text(m.running) + " retained=" + text(m.retained);
  }
  std::string operator()(const Ack& m) const {
    return list(m.entries, [](const AckEntry& e) {
      return pair(e.seq, e.lease) + ":" + std::string(name(e.status));
    });
  }
  std::string operator()(const Nack& m) const {
    return list(m.entries, [](const NackEntry& e) {
      return pair(e.seq, e.lease) + ":" + text(static_cast<std::uint64_t>(e.reason));
    });
  }
  std::string operator()(const Return& m) const {
    return list(m.entries, [](const LeaseRef& e) { return pair(e.seq, e.lease); });
  }
  std::string operator()(const Gap& m) const { return " " + text(m.first) + "-" + text(m.last); }
  std::string operator()(const Welcome& m) const {
    return m.lane ? " lane " + text(m.lane->port) : " inline";
  }
  std::string operator()(const Verdicts& m) const {
    return list(m.entries, [](const VerdictEntry& e) {
      return pair(e.seq, e.lease) + ":" + text(static_cast<std::uint64_t>(e.verdict));
    });
  }
  std::string operator()(const Tasks& m) const {
    std::string out = m.void_n > 0 ? " void=" + text(m.void_n) : "";
    return out + list(m.entries, [](const TaskEntry& e) {
             return pair(e.seq, e.lease) + "#" + text(e.attempt);
           });
  }
  std::string operator()(const Cancel& m) const {
    return list(m.entries, [](const LeaseRef& e) { return pair(e.seq, e.lease); });
  }
  std::string operator()(const Bye& m) const { return " " + text(static_cast<unsigned>(m.code)); }
  std::string operator()(const Drain& m) const {
    return " mode " + text(static_cast<unsigned>(m.mode));
  }
  std::string operator()(const ErrorMessage& m) const {
    return " " + text(static_cast<unsigned>(m.code)) + " " + m.text;
  }
  std::string operator()(const Outcomes& m) const {
    return " " + hex(m.log).substr(0, 8) + list(m.entries, [](const OutcomeEntry& e) {
             return " " + text(raw(e.rsn)) + ":" + text(raw(e.seq)) + "/" + text(raw(e.lease)) +
                    ":" + std::string(name(e.status));
           });
  }
  std::string operator()(const SinkConfirm& m) const {
    return list(m.stored,
                [](const ConfirmRange& r) {
                  return " " + text(raw(r.first)) + "-" + text(raw(r.last));
                }) +
           list(m.exceptions, [](const ConfirmException& e) {
             return " " + text(raw(e.rsn)) + ":code" + text(static_cast<unsigned>(e.code));
           });
  }
  std::string operator()(const Watch& m) const {
    return " " + hex(m.log).substr(0, 8) + list(m.ranges, [](const SeqRange& r) {
             return " " + text(raw(r.first)) + "-" + text(raw(r.last));
           }) + " seen=" + text(m.seen);
  }
  std::string operator()(const Watched& m) const { return (*this)(m.outcomes); }
  std::string operator()(const Floor& m) const { return " " + text(raw(m.floor)); }
  std::string operator()(const ClientOpened& m) const {
    return " " + hex(m.log).substr(0, 8) + " limit=" + text(m.tasks_limit);
  }
  std::string operator()(const Submit& m) const { return " " + text(m.entries.size()) + " tasks"; }
  std::string operator()(const SubmitConfirm& m) const {
    return " first=" + text(raw(m.first)) + list(m.exceptions, [](const SubmitException& e) {
             return " " + text(e.index) + ":code" + text(static_cast<unsigned>(e.code));
           });
  }
  std::string operator()(const CancelTasks& m) const {
    return list(m.seqs, [](Seq seq) { return " " + text(raw(seq)); });
  }
  std::string operator()(const ClientBeaten& m) const { return " limit=" + text(m.tasks_limit); }
  template <typename Other>
  std::string operator()(const Other&) const {
    return {};
  }
};

}  // namespace

void Trace::note(Time at, std::string_view bytes) {
  mix(static_cast<std::uint64_t>(at.time_since_epoch().count()));
  while (bytes.size() >= 8) {
    std::uint64_t word = 0;
    std::memcpy(&word, bytes.data(), 8);
    mix(word);
    bytes.remove_prefix(8);
  }
  for (const char c : bytes) mix(static_cast<unsigned char>(c));
}

void Trace::event(Time at, std::string_view words) {
  note(at, words);
  line(at, words);
}

void Trace::line(Time at, std::string_view words) {
  if (wants_lines_) lines_.push_back(time_text(at) + "  " + std::string(words));
}

std::string describe(const Envelope& envelope) {
  const auto type = static_cast<std::uint8_t>(wire::type_of(envelope.message));
  std::string out(wire::type_name(type));
  out += " n=" + text(envelope.n);
  return out + std::visit(Words{}, envelope.message);
}

std::string time_text(Time at) {
  char buffer[32];
  const std::int64_t us = at.time_since_epoch().count() / 1000;
  std::snprintf(buffer, sizeof buffer, "%10.6f", static_cast<double>(us) / 1e6);
  return buffer;
}

}  // namespace sluice::sim
