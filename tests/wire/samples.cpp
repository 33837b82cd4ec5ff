// samples.cpp: one of every message, as values; the vectors are their bytes.
// SPDX-License-Identifier: MIT
#include "wire/samples.hpp"

#include <doctest/doctest.h>

#include <fstream>
#include <iterator>
#include <utility>

#include "wire/codec.hpp"

namespace sluice::wire::test {
namespace {

using namespace core;

template <std::size_t N>
std::array<std::uint8_t, N> id_bytes(std::uint8_t first) {
  std::array<std::uint8_t, N> bytes{};
  for (std::size_t i = 0; i < N; ++i) bytes[i] = static_cast<std::uint8_t>(first + i);
  return bytes;
}

constexpr auto kTop = static_cast<std::uint64_t>(INT64_MAX);
const Log kLog = id_bytes<16>(0x10);
const Boot kBoot = id_bytes<16>(0xA0);
const Incarnation kInc = id_bytes<8>(0xF0);
const Sid kSid = make_sid(Epoch{3}, 7);
const std::string kBlob(300, '\xB1');  // longer than a one byte length can say

std::vector<Sample> worker_samples() {
  std::vector<Sample> all;
  const auto add = [&all](const char* name, Sid sid, std::uint64_t n, Message message) {
    all.push_back({name, {sid, n, std::move(message)}});
  };
  Hello first;
  first.boot = kBoot;
  first.name = "node-1";
  first.agent = "sluice 0.1.0";
  first.types = {"resize", "exec"};
  first.slots = 16;
  add("hello", Sid{}, 1, first);
  Hello again = first;
  again.resources = {{"gpu", 2}, {"memory_mib", 65536}};
  again.lanes = LaneWish::inline_only;
  again.flags = kSilentWhileBusy;
  again.previous = PreviousSession{kLog, Epoch{2}, make_sid(Epoch{2}, 90000)};
  add("hello_again", Sid{}, 2, again);
  add("inventory", kSid, 1,
      Inventory{false,
                {{Seq{1}, Lease{11}, HeldState::queued},
                 {Seq{200}, Lease{12}, HeldState::running},
                 {Seq{70000}, Lease{13}, HeldState::unconfirmed},
                 {Seq{5000000000}, Lease{14}, HeldState::ack_open},
                 {Seq{5}, Lease{15}, HeldState::nack_open}}});
  add("inventory_empty", kSid, 1, Inventory{});
  add("state", kSid, 300, State{12, 1127, 1048576, 3, 16, 4, 4096, 250, 9});
  add("ack", kSid, 5,
      Ack{{{Seq{1}, Lease{11}, Status::done}, {Seq{2}, Lease{12}, Status::failed}}});
  add("nack", kSid, 6,
      Nack{{{Seq{3}, Lease{13}, NackReason::failed, 500, true, "no space left on \xC2\xB5SD"},
            {Seq{4}, Lease{14}, NackReason::no_such_type, 0, false, ""}}});
  add("return", kSid, 7, Return{{{Seq{8}, Lease{18}}, {Seq{9}, Lease{19}}}});
  add("gap", kSid, 0, Gap{4, 6});
  add("goodbye", kSid, 0, Goodbye{Code::draining});
  add("progress", kSid, 0,
      Progress{{{Seq{42}, Lease{43}, "2 of 7 pages, 30 \xC2\xB0"}, {Seq{44}, Lease{70000}, ""}}});
  return all;
}

std::vector<Sample> ventilator_samples() {
  std::vector<Sample> all;
  const auto add = [&all](const char* name, Sid sid, std::uint64_t n, Message message) {
    all.push_back({name, {sid, n, std::move(message)}});
  };
  Welcome lane;
  lane.log = kLog;
  lane.epoch = Epoch{3};
  lane.inc = kInc;
  lane.heartbeat_ms = 2000;
  lane.dead_ms = 8000;
  lane.fence_ms = 16000;
  lane.reclaim_ms = 24000;
  lane.max_frame = 4194304;
  lane.max_entries = 4096;
  lane.sinks = {"tcp://10.0.0.1:5571"};
  Welcome inline_only = lane;
  lane.lane = LaneAddress{20007, std::nullopt};
  add("welcome", kSid, 1, lane);
  add("welcome_inline", kSid, 2, inline_only);
  lane.lane->host = "10.0.0.9";
  add("welcome_host", kSid, 3, lane);
  add("verdict", kSid, 1,
      Verdicts{{{Seq{1}, Lease{11}, Verdict::drop},
                {Seq{2}, Lease{12}, Verdict::settled},
                {Seq{3}, Lease{40}, Verdict::re_leased}}});
  Tasks tasks{Epoch{3}, 1000, 64000, 4, {"resize", "exec"}, {}};
  tasks.entries = {
      {Seq{42}, Lease{43}, 1, 0, 0, 0, 0, 0, {}, as_bytes("first")},
      {Seq{kTop}, Lease{300}, 3, 1, kLastAttempt, 1, 60000, 5000, "caf\xC3\xA9", {}},
      {Seq{44}, Lease{70000}, 2, 1, kTaskWanted, 0, 0, 90000, "key-44", as_bytes(kBlob)},
  };
  add("tasks", kSid, 12, tasks);
  add("tasks_probe", kSid, 1, Tasks{Epoch{3}, 0, 0, 0, {}, {}});
  add("acked", kSid, 7, Acked{});
  add("ping", kSid, 31, Ping{299});
  add("cancel", kSid, 0, Cancel{{{Seq{42}, Lease{43}}}});
  add("bye", kSid, 0, Bye{Code::lane});
  add("drain", kSid, 0, Drain{DrainMode::return_queued, 30000});
  add("error", kSid, 12, ErrorMessage{Code::busy, "too many submits", 250, std::nullopt});
  add("error_endpoint", Sid{}, 1,
      ErrorMessage{Code::not_primary, "not the primary", 0, "tcp://10.0.0.2:5570"});
  return all;
}

std::vector<Sample> sink_samples() {
  std::vector<Sample> all;
  const auto add = [&all](const char* name, std::uint64_t n, Message message) {
    all.push_back({name, {make_sid(Epoch{1}, 2), n, std::move(message)}});
  };
  add("sink_open", 1, SinkOpen{0, kBoot, "node-1", "sluice 0.1.0"});
  add("sink_opened", 1, SinkOpened{0, id_bytes<16>(0x50), 4, 2000, 8000, 4194304, 10000, 67108864});
  Outcomes outcomes{kLog, Epoch{3}, {"resize", "exec"}, {}};
  OutcomeEntry done;
  done.rsn = Rsn{1};
  done.seq = Seq{42};
  done.lease = Lease{43};
  done.attempt = 1;
  done.started_us = 1700000000000000;
  done.run_us = 1234;
  done.payload = as_bytes("thumb");
  OutcomeEntry failed = done;
  failed.rsn = Rsn{2};
  failed.seq = Seq{44};
  failed.type_index = 1;
  failed.status = Status::failed;
  failed.key = "key-44";
  failed.error = "exit code 3";
  failed.payload = as_bytes(kBlob);
  outcomes.entries = {done, failed};
  add("outcomes", 2, outcomes);
  OutcomeEntry expired;
  expired.rsn = Rsn{3};
  expired.seq = Seq{45};
  expired.status = Status::expired;
  expired.flags = kTerminal | kTaskPayload;
  expired.error = "not started within 60 s";
  expired.payload = as_bytes("the task itself");
  add("outcomes_terminal", 3, Outcomes{kLog, Epoch{3}, {"resize"}, {expired}});
  Watched watched{outcomes, {"node-1", "head"}, {1, 0, 0}};
  OutcomeEntry gone = expired;
  gone.rsn = Rsn{};
  gone.type_index = 0;
  gone.flags = kTerminal | kOutcomeWanted | kContentGone;
  gone.error = {};
  gone.payload = {};
  for (OutcomeEntry& entry : watched.outcomes.entries) {
    entry.rsn = Rsn{};
    entry.lease = Lease{};
    entry.flags |= kOutcomeWanted;
  }
  watched.outcomes.epoch = Epoch{};
  watched.outcomes.entries.push_back(gone);
  add("watched", 9, watched);
  add("sink_confirm", 4,
      SinkConfirm{{{Rsn{1}, Rsn{200}}, {Rsn{205}, Rsn{205}}},
                  {{Rsn{201}, Code::duplicate, Status::failed, 0},
                   {Rsn{202}, Code::defer, Status::done, 5000}},
                  20000,
                  kTop});
  add("sink_beat", 5, SinkBeat{});
  add("sink_beaten", 5, SinkBeaten{});
  add("watch", 9, Watch{kLog, {{Seq{1}, Seq{100}}, {Seq{200}, Seq{200}}}, 300});
  add("watch_seen", 10, Watch{kLog, {}, 301});
  add("floor", 6, Floor{kLog, Seq{40}});
  return all;
}

std::vector<Sample> client_samples() {
  std::vector<Sample> all;
  const auto add = [&all](const char* name, std::uint64_t n, Message message) {
    all.push_back({name, {kSid, n, std::move(message)}});
  };
  add("client_open", 1, ClientOpen{0, kBoot, "shop", "php 8.2"});
  add("client_opened", 1,
      ClientOpened{0,
                   kLog,
                   Epoch{3},
                   kInc,
                   2000,
                   8000,
                   4194304,
                   4096,
                   600000,
                   100000,
                   268435456,
                   true,
                   {"tcp://10.0.0.1:5571", "tcp://10.0.0.2:5571"}});
  SubmitEntry plain;
  plain.payload = as_bytes("a.jpg");
  SubmitEntry full;
  full.key = "order-\xE2\x82\xAC-17";
  full.type_index = 1;
  full.flags = kSubmitWanted;
  full.priority = 5;
  full.delay_ms = 1000;
  full.ttl_ms = 3600000;
  full.exec_ms = 5000;
  full.max_attempts = 3;
  full.options = SubmitOptions{100, 60000, 2, {{"gpu", 1}}};
  full.payload = as_bytes(kBlob);
  add("submit", 8, Submit{{"resize", "exec"}, {plain, full}});
  add("submit_confirm", 8,
      SubmitConfirm{Seq{42}, {{1, Code::duplicate, Seq{17}}}, 100002, 268435456});
  add("query", 3, Query{"status", {}});
  add("query_args", 4, Query{"explain", {"16171819-42"}});
  add("reply", 3, Reply{Code::ok, R"({"tasks":{"ready":0}})"});
  add("cancel_tasks", 5, CancelTasks{{Seq{42}, Seq{70000}}});
  add("cancel_reply", 5, CancelReply{{{Seq{42}, Code::ok}, {Seq{70000}, Code::expired}}});
  add("client_beat", 11, ClientBeat{});
  add("client_beaten", 11, ClientBeaten{100100, 268435456});
  return all;
}

}  // namespace

std::vector<Sample> samples() {
  std::vector<Sample> all = worker_samples();
  for (Sample& s : ventilator_samples()) all.push_back(std::move(s));
  for (Sample& s : sink_samples()) all.push_back(std::move(s));
  for (Sample& s : client_samples()) all.push_back(std::move(s));
  return all;
}

Frame to_frame(Bytes bytes) { return {bytes.begin(), bytes.end()}; }

Frame encoded(const Envelope& envelope) {
  Buffer buffer;
  Codec::encode(envelope, buffer);
  return to_frame(buffer.bytes());
}

Frame frame_of(std::uint8_t type, Bytes body, Bytes heap, std::uint64_t n) {
  Header header;
  header.type = type;
  header.body_len = static_cast<std::uint32_t>(body.size());
  header.n = n;
  Frame frame(kHeaderBytes);
  write_header(header, frame.data());
  frame.insert(frame.end(), body.begin(), body.end());
  frame.insert(frame.end(), heap.begin(), heap.end());
  return frame;
}

Bytes body_of(const Frame& frame) {
  const auto header = read_header(frame);
  REQUIRE(header);
  return Bytes(frame).subspan(kHeaderBytes, header->body_len);
}

Bytes heap_of(const Frame& frame) {
  return Bytes(frame).subspan(kHeaderBytes + body_of(frame).size());
}

std::string vector_folder() { return std::string(SLUICE_TEST_DATA) + "/wire/vectors/"; }

Frame read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  const std::string bytes{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  return to_frame(as_bytes(bytes));
}

}  // namespace sluice::wire::test
