// outcome_registry_test.cpp: each callback is called once, whatever comes first.
// SPDX-License-Identifier: MIT
#include "net/outcome_registry.hpp"

#include <doctest/doctest.h>

#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

using namespace sluice;
using namespace std::chrono_literals;

namespace {

TaskId task(std::uint64_t seq) { return TaskId{{1, 2, 3}, seq}; }

OutcomeView done(std::uint64_t seq) {
  OutcomeView view;
  view.id = task(seq);
  return view;
}

struct Heard {
  std::vector<Outcome> outcomes;
  net::OutcomeRegistry::Callback callback() {
    return [this](const Outcome& outcome) { outcomes.push_back(outcome); };
  }
};

}  // namespace

TEST_SUITE("outcome registry") {
  TEST_CASE("an outcome goes to who waits for it, once") {
    net::OutcomeRegistry registry;
    Heard one, two;
    registry.expect(task(1), one.callback());
    registry.expect(task(2), two.callback());
    CHECK(registry.waiting() == 2);
    registry.deliver(done(2));
    registry.deliver(done(2));  // a copy of it
    registry.deliver(done(7));  // somebody else's
    CHECK(one.outcomes.empty());
    REQUIRE(two.outcomes.size() == 1);
    CHECK(two.outcomes[0].id == task(2));
    CHECK_FALSE(registry.wait(0ms));
    registry.deliver(done(1));
    CHECK(registry.wait(0ms));
  }

  TEST_CASE("who asks for a known task shares its outcome, or hears that it has gone") {
    net::OutcomeRegistry registry;
    Heard first, second, late;
    registry.expect(task(1), first.callback());
    registry.expect_known(task(1), second.callback());
    registry.deliver(done(1));
    CHECK(first.outcomes.size() == 1);
    REQUIRE(second.outcomes.size() == 1);
    CHECK(second.outcomes[0].status == Status::done);
    registry.expect_known(task(1), late.callback());
    REQUIRE(late.outcomes.size() == 1);
    CHECK(late.outcomes[0].status == Status::unknown);
    CHECK(late.outcomes[0].error.find("handed out") != std::string::npos);
    CHECK(registry.waiting() == 0);
  }

  TEST_CASE("abandoned, all who wait and all who come are told why") {
    net::OutcomeRegistry registry;
    Heard before, after;
    registry.expect(task(1), before.callback());
    registry.abandon("closed");
    registry.expect_known(task(2), after.callback());
    REQUIRE(before.outcomes.size() == 1);
    CHECK(before.outcomes[0].status == Status::unknown);
    CHECK(before.outcomes[0].id == task(1));
    CHECK(before.outcomes[0].error == "closed");
    REQUIRE(after.outcomes.size() == 1);
    CHECK(after.outcomes[0].id == task(2));
    CHECK(registry.wait(0ms));
  }

  TEST_CASE("what a callback throws comes out of wait, once") {
    net::OutcomeRegistry registry;
    Heard other;
    registry.expect(task(1), [](const Outcome&) { throw std::runtime_error("mine"); });
    registry.expect(task(2), other.callback());
    registry.deliver(done(1));
    registry.deliver(done(2));
    CHECK(other.outcomes.size() == 1);
    CHECK_THROWS_WITH_AS(registry.wait(0ms), "mine", std::runtime_error);
    CHECK(registry.wait(0ms));
  }

  TEST_CASE("wait does not return while a callback runs, and a callback knows that it is one") {
    net::OutcomeRegistry registry;
    bool finished = false, knew = false;
    registry.expect(task(1), [&](const Outcome&) {
      knew = registry.is_calling();
      CHECK_FALSE(registry.wait(1ms));
      finished = true;
    });
    std::thread sink([&] { registry.deliver(done(1)); });
    CHECK(registry.wait(10s));
    CHECK(finished);
    CHECK(knew);
    CHECK_FALSE(registry.is_calling());
    sink.join();
  }
}
