// placement_test.cpp: who gets the next task.
// SPDX-License-Identifier: MIT
#include "core/placement.hpp"

#include <doctest/doctest.h>

using namespace sluice::core;

namespace {

struct Fixture {
  std::deque<WorkerSession> sessions;
  Placement placement{sessions};

  std::uint32_t add(std::vector<std::uint32_t> types, std::uint64_t credit = 10) {
    const auto index = static_cast<std::uint32_t>(sessions.size());
    WorkerSession& session = sessions.emplace_back();
    session.index = index;
    session.types = std::move(types);
    session.phase = SessionPhase::active;
    session.tasks_limit = credit;
    session.bytes_limit = 1000;
    placement.join(index);
    return index;
  }
  void hold(std::uint32_t index, std::uint32_t tasks) {
    sessions[index].held.count = tasks;
    placement.refresh(index);
  }
};

}  // namespace

TEST_SUITE("placement") {
  TEST_CASE("nobody serves a type that nobody named") {
    Fixture f;
    CHECK(f.placement.choose(3) == kNoSession);
    const std::uint32_t ann = f.add({1, 5});
    CHECK(f.placement.choose(3) == kNoSession);
    CHECK(f.placement.choose(5) == ann);
    CHECK(f.placement.choose(1) == ann);
    CHECK(f.placement.serving_count(3) == 0);
  }

  TEST_CASE("sessions take turns") {
    Fixture f;
    const std::uint32_t ann = f.add({0}), bob = f.add({0}), eve = f.add({0});
    for (const std::uint32_t expected : {ann, bob, eve, ann, bob}) {
      CHECK(f.placement.choose(0) == expected);
      f.placement.rotate(expected);
    }
  }

  TEST_CASE("an idle slot comes before credit, in whatever group") {
    Fixture f;
    const std::uint32_t ann = f.add({0});
    const std::uint32_t bob = f.add({0, 1});
    f.hold(ann, 1);
    CHECK(f.placement.choose(0) == bob);
    f.hold(bob, 1);
    CHECK(f.placement.choose(0) == ann);
    f.hold(bob, 0);
    CHECK(f.placement.choose(0) == bob);
    f.sessions[bob].slots = 3;
    f.hold(bob, 2);
    CHECK(f.placement.choose(0) == bob);
    CHECK(f.placement.ready_count(0) == 2);
    CHECK(f.placement.ready_count(1) == 1);
  }

  TEST_CASE("whoever may not get work is not chosen") {
    Fixture f;
    const std::uint32_t ann = f.add({0});
    WorkerSession& session = f.sessions[ann];
    const auto chosen = [&] {
      f.placement.refresh(ann);
      return f.placement.choose(0) == ann;
    };
    CHECK(chosen());
    session.suspect = true;
    CHECK_FALSE(chosen());
    session.suspect = false;
    session.trial = true;
    CHECK_FALSE(chosen());
    session.trial = false;
    session.phase = SessionPhase::probing;
    CHECK_FALSE(chosen());
    session.phase = SessionPhase::active;
    session.tasks_sent = 10;
    CHECK_FALSE(chosen());
    session.tasks_sent = 9;
    session.bytes_sent = 1000;
    CHECK_FALSE(chosen());
    session.bytes_sent = 999;
    CHECK(chosen());
    CHECK(f.placement.ready_count(0) == 1);
    f.placement.leave(ann);
    CHECK(f.placement.choose(0) == kNoSession);
  }

  TEST_CASE("a group ends with its last member, and its place is used again") {
    Fixture f;
    for (std::uint32_t round = 0; round < 100; ++round) {
      const std::uint32_t a = f.add({0, round + 1});
      const std::uint32_t b = f.add({0, round + 1});
      CHECK(f.placement.serving_count(0) == 2);
      CHECK(f.placement.serving_count(round + 1) == 2);
      f.placement.leave(a);
      CHECK(f.placement.choose(0) == b);
      f.placement.leave(b);
      CHECK(f.placement.serving_count(round + 1) == 0);
    }
    CHECK(f.placement.choose(0) == kNoSession);
    CHECK(f.placement.group_count() == 0);
  }
}
