// submitter_rig.hpp: a client under test and the ventilator it talks to.
// SPDX-License-Identifier: MIT
#pragma once

#include <doctest/doctest.h>

#include <cstdint>
#include <deque>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "core/submitter.hpp"

namespace sluice::core::submitter_rig {

using namespace std::chrono_literals;

inline constexpr Boot boot{0xB0};
inline constexpr Log log_a{0xA}, log_b{0xB};

// A SUBMIT as the ventilator would read it: its views copied.
struct Submitted {
  std::uint64_t cno = 0;
  struct Entry {
    std::string type, key, payload;
  };
  std::vector<Entry> entries;
};

// A client and its shell: keeps what was sent, and fails the test on what it did not take.
struct Rig {
  explicit Rig(SubmitterOptions options = {}) : submitter(std::move(options), boot, 42) {
    submitter.start(now);
    take();
  }
  ~Rig() {
    CHECK(sent.empty());
    CHECK(submits.empty());
    CHECK(answers.empty());
    CHECK(replies.empty());
    CHECK(cancels.empty());
  }
  Rig(const Rig&) = delete;
  Rig& operator=(const Rig&) = delete;

  void take() {
    auto effects = submitter.take_effects();
    link = effects.link;
    if (link == Submitter::Link::open) ++sockets;
    for (Envelope& envelope : effects.sends) {
      if (const auto* submit = std::get_if<Submit>(&envelope.message)) {
        Submitted copy{envelope.n, {}};
        for (const SubmitEntry& e : submit->entries)
          copy.entries.push_back({std::string(submit->types.at(e.type_index)), std::string(e.key),
                                  std::string(as_text(e.payload))});
        submits.push_back(std::move(copy));
      } else {
        sent.push_back(std::move(envelope));
      }
    }
    effects.sends.clear();
    for (auto& a : effects.answers) answers.push_back(a);
    for (auto& r : effects.replies) replies.push_back(std::move(r));
    for (auto& c : effects.cancels) cancels.push_back(std::move(c));
    log = effects.log;
    submitter.recycle(std::move(effects));
  }
  void advance(Duration by) {
    now += by;
    submitter.advance(now);
    take();
  }
  void submit(std::uint64_t cookie, std::string_view key = {}, std::string_view payload = "p",
              std::string_view type = "resize") {
    NewTask task;
    task.cookie = cookie;
    task.type = type;
    task.key = key;
    task.payload = as_bytes(payload);
    CHECK(submitter.submit(task, now) == Submitter::Taken::yes);
  }
  void receive(std::uint64_t number, Message message) {
    submitter.receive(Envelope{sid, number, std::move(message)}, now);
    take();
  }
  template <typename M>
  M expect() {
    REQUIRE_FALSE(sent.empty());
    REQUIRE(std::holds_alternative<M>(sent.front().message));
    n = sent.front().n;
    M message = std::get<M>(std::move(sent.front().message));
    sent.pop_front();
    return message;
  }
  Submitted expect_submit(std::size_t entries) {
    REQUIRE_FALSE(submits.empty());
    Submitted submit = std::move(submits.front());
    submits.pop_front();
    CHECK(submit.entries.size() == entries);
    return submit;
  }
  SubmitAnswer answer() {
    REQUIRE_FALSE(answers.empty());
    const SubmitAnswer first = answers.front();
    answers.pop_front();
    return first;
  }
  // The ventilator takes the OPEN that must have been sent.
  void open(std::uint64_t tasks_limit = 1000, std::uint64_t bytes_limit = 1 << 20,
            const Log& of = log_a, Epoch epoch = Epoch{1}) {
    CHECK(expect<ClientOpen>().boot == boot);
    sid = Sid{raw(sid) + 1};
    ClientOpened opened;
    opened.log = of;
    opened.epoch = epoch;
    opened.heartbeat_ms = 2000;
    opened.dead_ms = 8000;
    opened.max_frame = 4 << 20;
    opened.max_entries = 4096;
    opened.tasks_limit = tasks_limit;
    opened.bytes_limit = bytes_limit;
    receive(n, opened);
    CHECK(submitter.ready());
  }
  // The connection breaks, and the next one stands.
  void reopen(std::uint64_t tasks_limit = 1000, const Log& of = log_a, Epoch epoch = Epoch{1}) {
    submitter.link_lost(now);
    take();
    CHECK(link == Submitter::Link::close);
    wait_for_socket();
    open(tasks_limit, 1 << 20, of, epoch);
  }
  void wait_for_socket() {
    REQUIRE(submitter.next_deadline());
    advance(*submitter.next_deadline() - now);
    CHECK(link == Submitter::Link::open);
  }
  static SubmitConfirm confirm(std::uint64_t first, std::vector<SubmitException> exceptions = {},
                               std::uint64_t tasks = 1000, std::uint64_t bytes = 1 << 20) {
    return {Seq{first}, std::move(exceptions), tasks, bytes};
  }

  Time now{1000s};
  Submitter submitter;
  Submitter::Link link{};
  int sockets = 0;
  Sid sid{};
  std::uint64_t n = 0;
  Log log{};
  std::deque<Envelope> sent;
  std::deque<Submitted> submits;
  std::deque<SubmitAnswer> answers;
  std::deque<QueryAnswer> replies;
  std::deque<CancelDone> cancels;
};

inline void check(const SubmitAnswer& answer, std::uint64_t cookie, Code code, std::uint64_t seq) {
  CHECK(answer.cookie == cookie);
  CHECK(answer.code == code);
  CHECK(answer.seq == Seq{seq});
}

}  // namespace sluice::core::submitter_rig
