// hostile.cpp: messages out of place, out of order and out of bounds.
// SPDX-License-Identifier: MIT
#include "fuzz/hostile.hpp"

#include <type_traits>

namespace sluice::fuzz {
namespace {

using namespace core;

constexpr std::size_t kRemembered = 64;
constexpr std::uint64_t kMostEntries = 6;

constexpr Code kCodes[] = {Code::ok,           Code::bad_frame,       Code::bad_version,
                           Code::bad_type,     Code::too_large,       Code::not_authorized,
                           Code::unknown_session, Code::session_replaced, Code::stale_epoch,
                           Code::split_brain,  Code::credit_exceeded, Code::busy,
                           Code::draining,     Code::not_primary,     Code::duplicate,
                           Code::conflict,     Code::expired,         Code::unknown_task_type,
                           Code::rejected,     Code::defer,           Code::internal,
                           Code::lane};

template <typename Entry, typename Make>
void fill(Choices& c, std::vector<Entry>& entries, const Make& make) {
  for (std::uint64_t n = c.below(kMostEntries); n > 0; --n) entries.push_back(make());
}

}  // namespace

void Hostile::learn(std::vector<std::uint64_t>& into, std::uint64_t number) {
  if (!into.empty() && into.back() == number) return;
  into.push_back(number);
  if (into.size() > kRemembered) into.erase(into.begin());
}

void Hostile::learn(const Log& log) {
  if (std::find(logs.begin(), logs.end(), log) == logs.end() && logs.size() < kRemembered)
    logs.push_back(log);
}

void Hostile::hear(const Envelope& in) {
  learn(sids, raw(in.sid));
  learn(ns, in.n);
  if (const auto* m = std::get_if<Welcome>(&in.message)) learn(m->log);
  if (const auto* m = std::get_if<ClientOpened>(&in.message)) learn(m->log);
  if (const auto* m = std::get_if<Tasks>(&in.message))
    for (const TaskEntry& entry : m->entries) {
      learn(seqs, raw(entry.seq));
      learn(leases, raw(entry.lease));
    }
  if (const auto* m = std::get_if<SubmitConfirm>(&in.message)) learn(seqs, raw(m->first));
  if (const auto* m = std::get_if<Outcomes>(&in.message)) {
    learn(m->log);
    for (const OutcomeEntry& entry : m->entries) {
      learn(seqs, raw(entry.seq));
      learn(rsns, raw(entry.rsn));
    }
  }
}

// Mostly what it was told last: absurd numbers alone would not get past the first check.
std::uint64_t Hostile::some(Choices& c, const std::vector<std::uint64_t>& known) {
  const std::uint8_t how = c.byte();
  if (known.empty() || how >= 240) return c.number();
  const std::size_t back = how < 120 ? 0 : c.below(known.size());
  const std::uint64_t number = known[known.size() - 1 - back];
  if (how % 8 != 7) return number;
  return how % 16 == 7 ? number + 1 : number - (number > 0 ? 1 : 0);
}

Log Hostile::log(Choices& c) {
  if (!logs.empty() && !c.one_in(4)) return c.one_of(logs);
  return Log{0xBA, static_cast<std::uint8_t>(c.below(4))};
}
Boot Hostile::boot(Choices& c) {
  return boots.empty() ? Boot{c.byte()} : Boot(c.one_of(boots));
}
std::string Hostile::name(Choices& c) {
  const std::uint8_t how = c.byte();
  if (how < 200) return std::string(1, static_cast<char>('a' + how % 8));
  if (how < 220) return {};
  if (how < 240) return std::string(128, 'n');
  return c.text(140);
}
std::string Hostile::type(Choices& c) {
  return types.empty() || c.one_in(5) ? name(c) : std::string(c.one_of(types));
}
std::vector<std::string_view> Hostile::type_list(Choices& c) {
  std::vector<std::string_view> list{kept(type(c))};
  fill(c, list, [&] { return kept(type(c)); });
  return list;
}

Envelope Hostile::wrap(Choices& c, Message message) {
  const Sid sid{some(c, sids)};
  return {sid, some(c, ns), std::move(message)};
}

ErrorMessage Hostile::error(Choices& c) {
  ErrorMessage m;
  m.code = c.one_of(kCodes);
  m.text = c.text(20);
  m.retry_ms = c.number();
  if (c.one_in(4)) m.endpoint = name(c);
  return m;
}

Hello Hostile::hello(Choices& c) {
  Hello m;
  m.minor = c.one_in(8) ? c.number() : 0;
  m.boot = boot(c);
  m.name = name(c);
  m.types = {type(c)};
  fill(c, m.types, [&] { return type(c); });
  m.slots = c.one_in(3) ? c.number32() : static_cast<std::uint32_t>(1 + c.below(4));
  fill(c, m.resources, [&] { return ResourceAmount{name(c), c.number()}; });
  m.lanes = c.one_in(2) ? LaneWish::push : LaneWish::inline_only;
  m.flags = c.number32();
  if (c.one_in(2)) m.previous = PreviousSession{log(c), epoch(c), Sid{some(c, sids)}};
  return m;
}

Submit Hostile::submit(Choices& c) {
  Submit m;
  m.types = type_list(c);
  fill(c, m.entries, [&] {
    SubmitEntry e;
    if (c.one_in(3)) e.key = kept(name(c));
    e.type_index = static_cast<std::uint32_t>(c.below(m.types.size()));
    e.flags = c.one_in(4) ? c.number32() : static_cast<std::uint32_t>(c.below(2));
    e.priority = c.one_in(4) ? c.number32() : 0;
    e.delay_ms = c.one_in(4) ? c.number() : 0;
    e.ttl_ms = c.one_in(4) ? c.number() : 0;
    e.exec_ms = c.one_in(4) ? c.number() : 0;
    e.max_attempts = c.one_in(2) ? c.number32() : 0;
    if (c.one_in(3)) e.options = SubmitOptions{c.number(), c.number(), c.number32(), {}};
    e.payload = as_bytes(kept(c.text(30)));
    return e;
  });
  return m;
}

Outcomes Hostile::outcomes(Choices& c) {
  Outcomes m;
  m.log = log(c);
  m.epoch = epoch(c);
  m.types = type_list(c);
  fill(c, m.entries, [&] {
    OutcomeEntry e;
    e.rsn = rsn(c);
    e.seq = seq(c);
    e.lease = lease(c);
    e.attempt = c.number32() >> 1;
    e.type_index = static_cast<std::uint32_t>(c.below(m.types.size()));
    e.flags = c.one_in(4) ? c.number32() : static_cast<std::uint32_t>(c.below(8));
    e.status = static_cast<Status>(c.below(4));
    e.started_us = c.number();
    e.run_us = c.number();
    e.key = kept(name(c));
    e.error = kept(c.text(30));
    e.payload = as_bytes(kept(c.text(40)));
    return e;
  });
  return m;
}

Tasks Hostile::tasks(Choices& c) {
  Tasks m;
  m.epoch = epoch(c);
  m.tasks_before = c.one_in(2) ? c.number() : 0;
  m.bytes_before = c.one_in(2) ? c.number() : 0;
  m.void_n = c.one_in(4) ? c.number() : 0;
  m.types = type_list(c);
  fill(c, m.entries, [&] {
    TaskEntry e;
    e.seq = seq(c);
    e.lease = lease(c);
    e.attempt = c.number32() >> 1;
    e.type_index = static_cast<std::uint32_t>(c.below(m.types.size()));
    e.flags = c.one_in(4) ? c.number32() : static_cast<std::uint32_t>(c.below(4));
    e.sink = c.one_in(4) ? c.number32() : 0;
    e.ttl_ms = c.one_in(4) ? c.number() : 0;
    e.exec_ms = c.one_in(4) ? c.number() : 0;
    e.key = kept(name(c));
    e.payload = as_bytes(kept(c.text(30)));
    return e;
  });
  return m;
}

Welcome Hostile::welcome(Choices& c) {
  Welcome m;
  m.minor = c.one_in(8) ? c.number() : 0;
  m.log = log(c);
  m.epoch = epoch(c);
  m.inc = Incarnation{static_cast<std::uint8_t>(c.below(2))};
  const bool absurd = c.one_in(3);
  m.heartbeat_ms = absurd ? c.number() : 2000;
  m.dead_ms = absurd ? c.number() : 8000;
  m.fence_ms = absurd ? c.number() : 16000;
  m.reclaim_ms = absurd ? c.number() : 24000;
  if (c.one_in(2)) m.lane = LaneAddress{c.one_in(3) ? c.number32() : 20001, std::nullopt};
  m.max_frame = c.one_in(4) ? c.number() : 4 << 20;
  m.max_entries = c.one_in(4) ? c.number() : 4096;
  m.sinks = {"tcp://sink:1"};
  fill(c, m.sinks, [&] { return "tcp://sink:" + std::to_string(1 + c.below(4)); });
  return m;
}

SinkConfirm Hostile::confirm(Choices& c) {
  SinkConfirm m;
  fill(c, m.stored, [&] {
    const std::uint64_t first = some(c, rsns);
    const std::uint64_t more = c.one_in(3) ? c.number() : c.below(3);
    return ConfirmRange{Rsn{first}, Rsn{std::min<std::uint64_t>(first + more, (1ULL << 63) - 1)}};
  });
  fill(c, m.exceptions, [&] {
    constexpr Code kAnswers[] = {Code::duplicate, Code::defer, Code::rejected, Code::too_large};
    return ConfirmException{rsn(c), c.one_in(8) ? c.one_of(kCodes) : c.one_of(kAnswers),
                            static_cast<Status>(c.below(4)), c.number()};
  });
  m.outcomes_limit = c.number();
  m.bytes_limit = c.number();
  return m;
}

Message Hostile::from_worker(Choices& c) {
  switch (c.below(10)) {
    case 0: return hello(c);
    case 1: {
      Inventory m;
      m.last = !c.one_in(4);
      fill(c, m.held, [&] {
        return HeldTask{seq(c), lease(c), static_cast<HeldState>(c.below(5))};
      });
      return m;
    }
    case 2: {
      State m{c.number(), c.number(), c.number(), c.number(), c.number(),
              c.number(), c.number(), 0,          c.number()};
      if (c.one_in(4)) m.busy_ms = c.number();
      return m;
    }
    case 3: {
      Ack m;
      fill(c, m.entries, [&] {
        return AckEntry{seq(c), lease(c), static_cast<Status>(c.below(4))};
      });
      return m;
    }
    case 4: {
      Nack m;
      fill(c, m.entries, [&] {
        return NackEntry{seq(c), lease(c), static_cast<NackReason>(1 + c.below(11)), c.number(),
                         c.one_in(2), kept(c.text(20))};
      });
      return m;
    }
    case 5: {
      Return m;
      fill(c, m.entries, [&] { return LeaseRef{seq(c), lease(c)}; });
      return m;
    }
    case 6: {
      const std::uint64_t first = some(c, ns);
      return Gap{first, std::max(first, some(c, ns))};
    }
    case 7: return Goodbye{c.one_of(kCodes)};
    case 8: {
      Progress m;
      fill(c, m.entries, [&] { return ProgressEntry{seq(c), lease(c), kept(c.text(20))}; });
      return m;
    }
    default: return error(c);
  }
}

Message Hostile::from_client(Choices& c) {
  switch (c.below(6)) {
    case 0: return ClientOpen{0, boot(c), name(c), name(c)};
    case 1:
    case 2: return submit(c);
    case 3: {
      Query m{c.one_in(2) ? "status" : name(c), {}};
      fill(c, m.args, [&] { return name(c); });
      return m;
    }
    case 4: {
      CancelTasks m;
      fill(c, m.seqs, [&] { return seq(c); });
      return m;
    }
    default: return ClientBeat{};
  }
}

Envelope Hostile::to_ventilator(Choices& c) {
  arena_.clear();
  return wrap(c, c.one_in(3) ? from_client(c) : from_worker(c));
}

Envelope Hostile::to_sink(Choices& c) {
  arena_.clear();
  switch (c.below(8)) {
    case 0: return wrap(c, SinkOpen{0, boot(c), name(c), name(c)});
    case 1:
    case 2:
    case 3: return wrap(c, outcomes(c));
    case 4:
    case 5: {
      Watch m;
      m.log = log(c);
      fill(c, m.ranges, [&] {
        const std::uint64_t first = some(c, seqs);
        const std::uint64_t more = c.one_in(4) ? c.number() : c.below(8);
        return SeqRange{Seq{first}, Seq{std::min<std::uint64_t>(first + more, (1ULL << 63) - 1)}};
      });
      m.seen = some(c, ns);
      return wrap(c, std::move(m));
    }
    case 6: return wrap(c, c.one_in(2) ? Message(Floor{log(c), seq(c)}) : Message(SinkBeat{}));
    default: return wrap(c, error(c));
  }
}

Envelope Hostile::to_worker(Choices& c) {
  arena_.clear();
  switch (c.below(10)) {
    case 0: return wrap(c, welcome(c));
    case 1: {
      Verdicts m;
      fill(c, m.entries, [&] {
        return VerdictEntry{seq(c), lease(c), static_cast<Verdict>(1 + c.below(3))};
      });
      return wrap(c, std::move(m));
    }
    case 2:
    case 3:
    case 4: return wrap(c, tasks(c));
    case 5: return wrap(c, Acked{});
    case 6: return wrap(c, Ping{c.number()});
    case 7: {
      Cancel m;
      fill(c, m.entries, [&] { return LeaseRef{seq(c), lease(c)}; });
      return wrap(c, std::move(m));
    }
    case 8: {
      if (c.one_in(2)) return wrap(c, Bye{c.one_of(kCodes)});
      // A worker that was told to drain ends, and then there is nothing left to see.
      return wrap(c, c.one_in(16) ? Message(Drain{static_cast<DrainMode>(c.below(3)), c.number()})
                                  : Message(Acked{}));
    }
    default: return wrap(c, error(c));
  }
}

Envelope Hostile::to_client(Choices& c) {
  arena_.clear();
  switch (c.below(8)) {
    case 0: {
      ClientOpened m;
      m.log = log(c);
      m.epoch = epoch(c);
      const bool absurd = c.one_in(3);
      m.heartbeat_ms = absurd ? c.number() : 2000;
      m.dead_ms = absurd ? c.number() : 8000;
      m.max_frame = c.one_in(4) ? c.number() : 4 << 20;
      m.max_entries = c.one_in(4) ? c.number() : 4096;
      m.dedup_ms = c.number();
      m.tasks_limit = c.number();
      m.bytes_limit = c.number();
      m.sinks = {"tcp://sink:1"};
      return wrap(c, std::move(m));
    }
    case 1:
    case 2:
    case 3: {
      SubmitConfirm m;
      m.first = seq(c);
      fill(c, m.exceptions, [&] {
        return SubmitException{c.number32(), c.one_of(kCodes), seq(c)};
      });
      m.tasks_limit = c.number();
      m.bytes_limit = c.number();
      return wrap(c, std::move(m));
    }
    case 4: return wrap(c, Reply{c.one_of(kCodes), "{}"});
    case 5: {
      CancelReply m;
      fill(c, m.answers, [&] { return CancelAnswer{seq(c), c.one_of(kCodes)}; });
      return wrap(c, std::move(m));
    }
    case 6:
      return wrap(c, c.one_in(2) ? Message(ClientBeaten{c.number(), c.number()})
                                 : Message(Bye{c.one_of(kCodes)}));
    default: return wrap(c, error(c));
  }
}

Envelope Hostile::to_producer(Choices& c) {
  arena_.clear();
  switch (c.below(6)) {
    case 0: {
      SinkOpened m;
      const bool absurd = c.one_in(3);
      m.heartbeat_ms = absurd ? c.number() : 2000;
      m.dead_ms = absurd ? c.number() : 8000;
      m.max_frame = absurd ? c.number() : 4 << 20;
      m.outcomes_limit = c.number();
      m.bytes_limit = c.number();
      return wrap(c, m);
    }
    case 1:
    case 2: return wrap(c, confirm(c));
    case 3: {
      Watched m;
      m.outcomes = outcomes(c);
      m.workers = {kept(name(c))};
      m.worker_index.assign(m.outcomes.entries.size(), 0);
      return wrap(c, std::move(m));
    }
    case 4: return wrap(c, SinkBeaten{});
    default: return wrap(c, error(c));
  }
}

}  // namespace sluice::fuzz
