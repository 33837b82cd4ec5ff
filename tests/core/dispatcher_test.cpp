// dispatcher_test.cpp: bad frames, wrong messages, and when the machine wants to be woken.
// SPDX-License-Identifier: MIT
#include "core/dispatcher_rig.hpp"

using namespace sluice::core;
using namespace sluice::core::rig;

namespace {

void bad_frame(Rig& rig, PeerId from, Code code = Code::bad_frame) {
  rig.machine.bad_frame(from, code, 5, "it is too short", rig.now);
  rig.turn();
}

}  // namespace

TEST_SUITE("dispatcher") {
  // Rule 12: "Unknown type: ERROR BAD_TYPE, the session lives. Three BAD_FRAMEs in 10 s: BYE, and
  // the peer is ignored for 60 s".
  TEST_CASE("three bad frames, and the peer is ignored for a minute") {
    Rig rig;
    Worker ann(1, "ann");
    rig.join(ann, kMany);
    bad_frame(rig, ann.peer);
    const ErrorMessage error = rig.expect<ErrorMessage>(ann.peer);
    CHECK(error.code == Code::bad_frame);
    CHECK(error.text == "it is too short");
    CHECK(rig.last_n == 5);
    rig.now += 1s;
    bad_frame(rig, ann.peer, Code::bad_version);
    CHECK(rig.expect<ErrorMessage>(ann.peer).code == Code::bad_version);
    CHECK_FALSE(rig.machine.ignores(ann.peer, rig.now));
    rig.now += 1s;
    bad_frame(rig, ann.peer, Code::too_large);
    CHECK(rig.expect<ErrorMessage>(ann.peer).code == Code::too_large);
    CHECK(rig.expect<Bye>(ann.peer).code == Code::bad_frame);
    CHECK(rig.machine.ignores(ann.peer, rig.now));
    CHECK(rig.phase_of(ann) == "suspect");
    rig.submit();
    rig.pass(30s);
    rig.say(ann);
    rig.send_hello(ann, 9);
    bad_frame(rig, ann.peer);
    CHECK(rig.nothing_sent());
    CHECK(rig.machine.counters().bad_frames == std::array<std::uint64_t, 5>{0, 1, 1, 0, 1});
    CHECK(rig.machine.counters().ignored_peers == 1);
    rig.pass(30s);
    rig.join(ann, 1);
    rig.task_for(ann);
  }

  TEST_CASE("unknown types never end a session, and are answered once a second") {
    Rig rig;
    Worker ann(1, "ann");
    rig.join(ann, 1);
    for (int i = 0; i < 20; ++i) bad_frame(rig, ann.peer, Code::bad_type);
    CHECK(rig.expect<ErrorMessage>(ann.peer).code == Code::bad_type);
    CHECK(rig.nothing_sent());
    CHECK(rig.phase_of(ann) == "active");
    CHECK(rig.machine.counters().bad_frames[3] == 20);
  }

  TEST_CASE("messages that run the other way are refused, but an ERROR is not answered") {
    const std::vector<Message> wrong{Welcome{},    Verdicts{},   Tasks{},         Acked{},
                                     Ping{},       Cancel{},     Bye{},           Drain{},
                                     SinkOpen{},   SinkOpened{}, Outcomes{},      SinkConfirm{},
                                     SinkBeat{},   SinkBeaten{}, Watch{},         Watched{},
                                     Floor{},      Reply{},      ClientOpened{},  SubmitConfirm{},
                                     CancelReply{}, ClientBeaten{}};
    Rig rig;
    Worker ann(1, "ann");
    rig.join(ann, 1);
    for (const Message& message : wrong) {
      rig.pass(1s, {&ann});
      rig.receive(ann.peer, ann.sid, 3, message);
      CHECK(rig.expect<ErrorMessage>(ann.peer).code == Code::bad_type);
    }
    rig.pass(1s, {&ann});
    rig.receive(ann.peer, ann.sid, 3, ErrorMessage{});
    CHECK(rig.nothing_sent());
    CHECK(rig.machine.counters().wrong_message == wrong.size() + 1);
    CHECK(rig.phase_of(ann) == "active");
  }

  TEST_CASE("worker's words before a HELLO, and a client's before an OPEN, are of no session") {
    Rig rig;
    Submit submit;
    submit.types = {"t"};
    submit.entries.resize(1);
    std::uint64_t peer = 10;
    for (const Message& message : std::vector<Message>{
             Inventory{}, State{}, Ack{}, Nack{}, Return{}, Gap{}, Goodbye{}, Message{submit},
             CancelTasks{}, Query{}, ClientBeat{}}) {
      rig.receive(PeerId{++peer}, Sid{}, 1, message);
      CHECK(rig.expect<ErrorMessage>(PeerId{peer}).code == Code::unknown_session);
    }
    CHECK(rig.machine.unsettled() == 0);
  }

  TEST_CASE("a ventilator without peers or tasks sleeps") {
    Rig rig{DispatcherOptions{}};
    CHECK_FALSE(rig.machine.next_deadline());
    const Seq seq = rig.submit();  // nobody serves it; nothing to wake up for
    CHECK_FALSE(rig.machine.next_deadline());
    SubmitEntry entry;
    entry.ttl_ms = 5000;
    rig.submit(entry);
    CHECK(rig.machine.next_deadline() == rig.now + 5s);
    rig.machine.cancel(seq, rig.now);
    rig.pass(5s);
    CHECK(rig.machine.unsettled() == 0);
    CHECK_FALSE(rig.machine.next_deadline());
  }

  // The rig checks at each turn that the next deadline is later than now; here it is how often.
  TEST_CASE("an idle session costs a few turns a heartbeat") {
    Rig rig{DispatcherOptions{}};
    Worker ann(1, "ann");
    rig.join(ann, 1);
    const Time end = rig.now + 2s;
    int turns = 0;
    while (rig.machine.next_deadline() && *rig.machine.next_deadline() <= end) {
      rig.now = *rig.machine.next_deadline();
      rig.turn();
      ++turns;
    }
    CHECK(turns >= 4);
    CHECK(turns <= 10);
  }

  TEST_CASE("a distant alarm of a settled task takes no room") {
    Rig rig;
    Worker ann(1, "ann");
    rig.join(ann, kMany);
    SubmitEntry entry;
    entry.ttl_ms = 3'600'000;
    for (int i = 0; i < 20'000; ++i) {
      rig.submit(entry);
      rig.ack(ann, rig.task_for(ann));
    }
    CHECK(rig.machine.alarm_count() <= 4096);
  }

  TEST_CASE("what it says of itself adds up") {
    Rig rig;
    Worker ann(1, "ann");
    ann.types = {"t", "u"};
    ann.slots = 3;
    rig.join(ann, 2);
    SubmitEntry delayed = with_payload("12345");
    delayed.delay_ms = 1000;
    rig.submit_many(3);
    rig.submit(delayed);
    const Seq cancelled = rig.submit({}, "v");
    rig.machine.cancel(cancelled, rig.now);
    rig.turn();
    const DispatcherStatus status = rig.status();
    CHECK(status.ready == 1);
    CHECK(status.delayed == 1);
    CHECK(status.leased == 2);
    CHECK(status.settling == 1);
    CHECK(status.tasks == 5);
    CHECK(status.bytes == 5);
    CHECK(raw(status.floor) == 1);
    CHECK(raw(status.next) == 6);
    CHECK(status.counters.submitted == 5);
    CHECK(status.counters.dispatched == 2);
    REQUIRE(status.types.size() == 3);
    CHECK(status.types[0].name == "t");
    CHECK(status.types[0].ready == 1);
    CHECK(status.types[0].workers == 1);
    CHECK(status.types[2].workers == 0);
    REQUIRE(status.workers.size() == 1);
    CHECK(status.workers[0].name == "ann");
    CHECK(status.workers[0].held == 2);
    CHECK(status.workers[0].credit == 0);
    CHECK(status.workers[0].slots == 3);
    CHECK(status.workers[0].types == std::vector<std::string>{"t", "u"});
    CHECK(status.sinks[0].connected);
    rig.all_for(ann);
    rig.drop_outcomes();
  }
}
