// submitter_fuzz.cpp: a hostile ventilator talks to a client; then an honest one does.
// SPDX-License-Identifier: MIT
#include <map>
#include <set>

#include "core/submitter.hpp"
#include "fuzz/hostile.hpp"
#include "fuzz/machine.hpp"
#include "fuzz/through_wire.hpp"

using namespace sluice;
using namespace sluice::core;

namespace {

using namespace std::chrono_literals;
using fuzz::Choices;
using fuzz::require;

SubmitterOptions options() {
  SubmitterOptions options;
  options.max_unconfirmed = 40;
  options.max_unconfirmed_bytes = 10'000;
  return options;
}

class Ventilator {
 public:
  explicit Ventilator(Choices& choices)
      : choices_(choices),
        now_(fuzz::start_of_time(choices)),
        submitter_(options(), Boot{1}, 5) {
    hostile_.boots = {Boot{2}};
    submitter_.start(now_);
    turn();
  }

  void step() {
    switch (choices_.below(10)) {
      case 0: case 1: case 2: submit(); break;
      case 3: pass(1ms * choices_.below(2000)); break;
      case 4: pass(1s * choices_.below(120)); break;
      case 5: ask(); break;
      case 6:
        if (!choices_.one_in(3)) break;
        submitter_.link_lost(now_);
        turn();
        break;
      default: hostile(); break;
    }
  }
  void heal() {
    honest_ = true;
    submitter_.link_lost(now_);
    turn();
    const Time end = now_ + 1h;
    while (!open_.empty() || !questions_.empty()) {
      require(now_ < end, "an honest ventilator takes every task");
      pass(1s);
    }
    require(submitter_.stats().unconfirmed == 0, "nothing is kept of what is answered");
    require(submitter_.stats().unconfirmed_bytes == 0, "nor its bytes");
  }

 private:
  void submit() {
    NewTask task;
    const std::string type(1, static_cast<char>('a' + choices_.below(4)));
    const std::string payload(choices_.one_in(4) ? choices_.below(3000) : 3, 'p');
    task.type = type;
    task.payload = as_bytes(payload);
    task.cookie = ++cookies_;
    task.wanted = choices_.one_in(2);
    const std::size_t held = open_.size();
    const Submitter::Taken taken = submitter_.submit(task, now_);
    require(taken != Submitter::Taken::full || held > 0, "one task is always taken");
    if (taken == Submitter::Taken::yes) open_.insert(task.cookie);
    require(open_.size() <= options().max_unconfirmed, "the limit of tasks holds");
    turn();
  }
  void ask() {
    if (questions_.size() >= 20) return;
    const Time deadline = now_ + 1s * choices_.below(100);
    questions_.insert(++cookies_);
    if (choices_.one_in(2))
      submitter_.query(cookies_, {choices_.one_in(2) ? "status" : "other", {}}, deadline, now_);
    else
      submitter_.cancel(cookies_, {Seq{1}, Seq{2}}, deadline, now_);
    turn();
  }
  void hostile() {
    Envelope said = hostile_.to_client(choices_);
    if (!choices_.one_in(4)) {  // in place and in time
      said.sid = sid_;
      if (std::holds_alternative<ClientOpened>(said.message)) said.n = try_;
      if (std::holds_alternative<SubmitConfirm>(said.message)) said.n = cno_;
      if (std::holds_alternative<ErrorMessage>(said.message) && choices_.one_in(2)) said.n = cno_;
    }
    say(said);
  }
  void say(const Envelope& said) {
    const fuzz::Arrived in(wire::Role::client, fuzz::packed(said));
    if (!in.message) return;
    const std::uint64_t before = submitter_.stats().sessions;
    const auto limits = [&](std::uint64_t tasks) { limit_ = std::max(limit_, tasks); };
    if (submitter_.ready() && in.message->sid == sid_) {
      if (const auto* m = std::get_if<SubmitConfirm>(&in.message->message)) limits(m->tasks_limit);
      if (const auto* m = std::get_if<ClientBeaten>(&in.message->message)) limits(m->tasks_limit);
    }
    submitter_.receive(*in.message, now_);
    if (submitter_.stats().sessions != before) {
      sid_ = in.message->sid;
      limit_ = submitter_.opened().tasks_limit;
      spent_.clear();
      tasks_spent_ = 0;
    }
    turn();
  }
  void turn() {
    submitter_.advance(now_);
    Submitter::Effects out = submitter_.take_effects();
    for (const SubmitAnswer& answer : out.answers)
      require(open_.erase(answer.cookie) == 1, "each task is answered once");
    for (const QueryAnswer& answer : out.replies)
      require(questions_.erase(answer.cookie) == 1, "each question is answered once");
    for (const CancelDone& answer : out.cancels)
      require(questions_.erase(answer.cookie) == 1, "each cancel is answered once");
    require(submitter_.stats().unconfirmed == open_.size(), "what is not answered is kept");
    const auto next = submitter_.next_deadline();
    require(!next || *next > now_, "a client's deadline lies ahead");
    std::vector<Envelope> answers;
    for (const Envelope& envelope : out.sends) {
      fuzz::require_readable(wire::Role::ventilator, envelope);
      hostile_.hear(envelope);
      if (std::holds_alternative<ClientOpen>(envelope.message)) try_ = envelope.n;
      if (const auto* submit = std::get_if<Submit>(&envelope.message)) {
        cno_ = envelope.n;
        require(!submit->entries.empty(), "a SUBMIT has tasks");
        if (spent_.insert(envelope.n).second) tasks_spent_ += submit->entries.size();
        require(tasks_spent_ <= limit_, "the ventilator's limit of tasks holds");
      }
      if (honest_) answer(envelope, answers);
    }
    submitter_.recycle(std::move(out));
    for (const Envelope& each : answers) say(each);
  }
  void answer(const Envelope& envelope, std::vector<Envelope>& answers) {
    if (std::holds_alternative<ClientOpen>(envelope.message)) {
      ClientOpened opened;
      opened.log = Log{0x60};
      opened.epoch = Epoch{1};
      opened.heartbeat_ms = 2000;
      opened.dead_ms = 8000;
      opened.max_frame = 4 << 20;
      opened.max_entries = 4096;
      opened.tasks_limit = opened.bytes_limit = 100'000;
      answers.push_back({Sid{raw(sid_) % 1000 + 1}, envelope.n, opened});
    } else if (std::holds_alternative<ClientBeat>(envelope.message)) {
      answers.push_back({envelope.sid, envelope.n, ClientBeaten{100'000, 100'000}});
    } else if (std::holds_alternative<Submit>(envelope.message)) {
      answers.push_back({envelope.sid, envelope.n, SubmitConfirm{Seq{1}, {}, 100'000, 100'000}});
    }
  }
  void pass(Duration by) {
    fuzz::pass(now_, by, submitter_, [this] { turn(); });
  }

  Choices& choices_;
  Time now_;
  Submitter submitter_;
  fuzz::Hostile hostile_;
  bool honest_ = false;
  std::uint64_t cookies_ = 0, try_ = 0, cno_ = 0;
  std::set<std::uint64_t> open_, questions_;
  Sid sid_{};
  std::uint64_t limit_ = 0, tasks_spent_ = 0;
  std::set<std::uint64_t> spent_;
};

}  // namespace

SLUICE_FUZZ(submitter) { fuzz::rage_and_heal<Ventilator>(input); }
