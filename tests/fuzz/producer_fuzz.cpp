// producer_fuzz.cpp: a hostile sink talks to a producer of outcomes; then an honest one does.
// SPDX-License-Identifier: MIT
#include <map>
#include <set>

#include "core/outcome_producer.hpp"
#include "fuzz/hostile.hpp"
#include "fuzz/machine.hpp"
#include "fuzz/through_wire.hpp"

using namespace sluice;
using namespace sluice::core;

namespace {

using namespace std::chrono_literals;
using fuzz::Choices;
using fuzz::require;

class Sink {
 public:
  explicit Sink(Choices& choices)
      : choices_(choices),
        now_(fuzz::start_of_time(choices)),
        producer_({}, Boot{1}, 5) {
    hostile_.boots = {Boot{2}};
    producer_.start(now_);
    take();
  }

  void step() {
    switch (choices_.below(8)) {
      case 0: case 1: add(); break;
      case 2: pass(1ms * choices_.below(2000)); break;
      case 3: pass(1s * choices_.below(120)); break;
      case 4:
        if (choices_.one_in(3)) {
          producer_.disconnected(now_);
          take();
        }
        break;
      case 5:
        producer_.tell_floor(Log{3}, Seq{choices_.number()});
        take();
        break;
      default: hostile(); break;
    }
  }
  void heal() {
    honest_ = true;
    producer_.disconnected(now_);
    take();
    const Time end = now_ + 1h;
    while (open_ > 0) {
      require(now_ < end, "an honest sink gets every outcome");
      pass(1s);
    }
    require(producer_.retained() == 0 && producer_.retained_bytes() == 0,
            "nothing is kept of what is confirmed");
  }

 private:
  void add() {
    if (producer_.retained() >= 50) return;
    OutcomeDraft draft;
    draft.log = Log{static_cast<std::uint8_t>(choices_.below(3))};
    draft.epoch = Epoch{1};
    draft.seq = Seq{++seqs_};
    draft.type = "t";
    const std::string payload(choices_.below(200), 'p');
    draft.payload = as_bytes(payload);
    confirmed_[seqs_] = false;
    ++open_;
    producer_.add(draft, seqs_, now_);
    take();
  }
  void hostile() {
    Envelope said = hostile_.to_producer(choices_);
    if (!choices_.one_in(4)) {  // in place and in time
      said.sid = sid_;
      if (auto* opened = std::get_if<SinkOpened>(&said.message)) {
        said.n = try_;
        if (choices_.one_in(2)) opened->outcomes_limit = choices_.below(20);
      }
    }
    say(said);
  }
  void say(const Envelope& said) {
    const fuzz::Arrived in(wire::Role::producer, fuzz::packed(said));
    if (!in.message) return;
    // What counts is what the producer will have heard when it sends again.
    if (const auto* opened = std::get_if<SinkOpened>(&in.message->message);
        opened != nullptr && in.message->n == try_ && !producer_.is_open()) {
      limit_ = opened->outcomes_limit;
      bytes_limit_ = opened->bytes_limit;
      sent_.clear();
      sent_bytes_ = 0;
      sid_ = in.message->sid;
    } else if (const auto* confirm = std::get_if<SinkConfirm>(&in.message->message);
               confirm != nullptr && producer_.is_open() && in.message->sid == sid_) {
      limit_ = std::max(limit_, confirm->outcomes_limit);
      bytes_limit_ = std::max(bytes_limit_, confirm->bytes_limit);
    }
    producer_.receive(*in.message, now_);
    take();
  }
  void pass(Duration by) {
    fuzz::pass(now_, by, producer_, [this] {
      producer_.advance(now_);
      const auto next = producer_.next_deadline();
      require(!next || *next > now_, "a producer's deadline lies ahead");
      take();
    });
  }
  void take() {
    OutcomeProducer::Effects out = producer_.take_effects();
    for (const OutcomeConfirmed& each : out.confirmed) {
      bool& confirmed = confirmed_.at(each.cookie);
      require(!confirmed, "an outcome is confirmed once");
      confirmed = true;
      --open_;
    }
    require(producer_.retained() == open_, "what is not confirmed is kept");
    std::vector<Envelope> answers;
    for (const Envelope& envelope : out.sends) {
      fuzz::require_readable(wire::Role::sink, envelope);
      hostile_.hear(envelope);
      if (std::holds_alternative<SinkOpen>(envelope.message)) try_ = envelope.n;
      if (const auto* batch = std::get_if<Outcomes>(&envelope.message)) check_credit(*batch);
      if (!honest_) continue;
      if (auto answer = fuzz::honest_sink(envelope, Sid{raw(sid_) % 1000 + 1}))
        answers.push_back(std::move(*answer));
    }
    producer_.recycle(std::move(out));
    for (const Envelope& each : answers) say(each);
  }
  void check_credit(const Outcomes& batch) {
    for (const OutcomeEntry& entry : batch.entries) {
      if (!sent_.insert(entry.rsn).second) continue;
      sent_bytes_ += entry.payload.size();
      require(sent_.size() <= limit_, "the sink's limit of outcomes holds");
      require(sent_bytes_ <= bytes_limit_, "the sink's limit of bytes holds");
    }
  }

  Choices& choices_;
  Time now_;
  OutcomeProducer producer_;
  fuzz::Hostile hostile_;
  bool honest_ = false;
  std::uint64_t seqs_ = 0, open_ = 0, try_ = 0;
  std::map<std::uint64_t, bool> confirmed_;
  Sid sid_{};
  std::uint64_t limit_ = 0, bytes_limit_ = 0, sent_bytes_ = 0;
  std::set<Rsn> sent_;
};

}  // namespace

SLUICE_FUZZ(producer) { fuzz::rage_and_heal<Sink>(input); }
