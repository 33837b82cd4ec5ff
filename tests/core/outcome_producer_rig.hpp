// outcome_producer_rig.hpp: a producer of outcomes, and the sink's end of its link played by hand.
// SPDX-License-Identifier: MIT
#pragma once

#include <doctest/doctest.h>

#include <algorithm>
#include <deque>
#include <string_view>
#include <utility>

#include "core/message_keeper.hpp"
#include "core/outcome_producer.hpp"

namespace sluice::core::test {

inline constexpr Boot kProducerBoot{7};
inline constexpr Log kOutcomeLog{1, 2, 3};
inline constexpr Epoch kOutcomeEpoch{1};

/// What is sent and not expected fails the test.
struct ProducerRig {
  explicit ProducerRig(OutcomeProducerOptions options = {})
      : producer(std::move(options), kProducerBoot, 42) {}
  ~ProducerRig() {
    for (const Envelope& envelope : sent) {
      CAPTURE(envelope.message.index());
      CHECK_MESSAGE(false, "a message nobody expected");
    }
    CHECK(answers.empty());
  }

  void take() {
    OutcomeProducer::Effects effects = producer.take_effects();
    if (effects.close) {
      is_open = false;
      ++closed;
    }
    if (effects.open) {
      CHECK_FALSE(is_open);
      is_open = true;
    }
    if (!effects.sends.empty()) CHECK(is_open);
    for (Envelope& envelope : effects.sends) {
      keeper.keep(envelope.message);
      sent.push_back(envelope);
    }
    for (const OutcomeConfirmed& each : effects.confirmed) answers.push_back(each);
    producer.recycle(std::move(effects));
  }
  void pass(Duration duration) {
    now += duration;
    producer.advance(now);
    if (const auto deadline = producer.next_deadline()) CHECK(*deadline > now);
    take();
  }
  // Jumps to what the producer waits for next.
  void pass_to_deadline() {
    const auto deadline = producer.next_deadline();
    REQUIRE(deadline.has_value());
    pass(*deadline - now);
  }
  template <typename M>
  M expect() {
    REQUIRE_FALSE(sent.empty());
    REQUIRE(std::holds_alternative<M>(sent.front().message));
    last = sent.front();
    sent.pop_front();
    return std::get<M>(last.message);
  }
  OutcomeConfirmed answer() {
    REQUIRE_FALSE(answers.empty());
    const OutcomeConfirmed first = answers.front();
    answers.pop_front();
    return first;
  }
  void receive(Sid session, std::uint64_t n, Message message) {
    producer.receive({session, n, std::move(message)}, now);
    take();
  }
  Rsn add(std::uint64_t seq, std::string_view payload = "result", Status status = Status::done) {
    OutcomeDraft draft;
    draft.log = kOutcomeLog;
    draft.epoch = kOutcomeEpoch;
    draft.seq = Seq{seq};
    draft.lease = Lease{seq + 1000};
    draft.status = status;
    draft.type = "resize";
    draft.payload = as_bytes(payload);
    const Rsn rsn = producer.add(draft, seq, now);
    take();
    return rsn;
  }
  static SinkOpened opened_message(std::uint64_t outcomes = 100, std::uint64_t bytes = 1 << 20) {
    SinkOpened opened;
    opened.heartbeat_ms = 2000;
    opened.dead_ms = 8000;
    opened.max_frame = 4 << 20;
    opened.outcomes_limit = outcomes;
    opened.bytes_limit = bytes;
    return opened;
  }
  void open(SinkOpened opened = opened_message()) {
    producer.start(now);
    take();
    welcome(opened);
  }
  void welcome(SinkOpened opened = opened_message()) {
    expect<SinkOpen>();
    sid = next(sid);
    receive(sid, last.n, opened);
  }
  void confirm(std::uint64_t first, std::uint64_t last_rsn, std::uint64_t outcomes = 0) {
    SinkConfirm message;
    message.stored.push_back({Rsn{first}, Rsn{last_rsn}});
    message.outcomes_limit = outcomes;
    receive(sid, 1, message);
  }
  void except(ConfirmException exception) {
    SinkConfirm message;
    message.exceptions.push_back(exception);
    receive(sid, 1, message);
  }

  OutcomeProducer producer;
  Time now{1h};
  Sid sid{100};
  bool is_open = false;
  int closed = 0;
  MessageKeeper keeper;
  std::deque<Envelope> sent;
  Envelope last;
  std::deque<OutcomeConfirmed> answers;
};

}  // namespace sluice::core::test
