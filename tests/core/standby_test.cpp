// standby_test.cpp: when an owner may write, and when a standby may take over.
// SPDX-License-Identifier: MIT
#include "core/standby.hpp"

#include <doctest/doctest.h>

using namespace sluice::core;
using namespace std::chrono_literals;

namespace {

using Owner = OwnerSight::Owner;
using Decision = StandbyRule::Decision;

constexpr Duration kFailover = 4s;
constexpr Time kStart{100s};

// A standby that looks when it should, at an owner that announces itself or does not.
struct Rig {
  explicit Rig(bool lock_tells_death = false) : rule(kFailover, lock_tells_death) {
    sight.owner = Owner::owned;
    sight.generation = 7;
    sight.announcement = 1;
  }
  Decision look() { return rule.look(sight, now); }
  // Looks on until it decides, `most` at the longest; how long that took.
  Duration until_taken(Duration most = 1min) {
    const Time from = now;
    while ((decision = look()) == Decision::wait && now - from < most) now += rule.look_every();
    return now - from;
  }
  StandbyRule rule;
  OwnerSight sight;
  Time now = kStart;
  Decision decision = Decision::wait;
};

}  // namespace

TEST_SUITE("standby: tenure") {
  TEST_CASE("an owner may write for half the failover time, from before its announcement") {
    Tenure tenure(kFailover);
    CHECK_FALSE(tenure.holds(kStart));
    tenure.announced(kStart);
    CHECK(tenure.holds(kStart + 2s - 1ns));
    CHECK_FALSE(tenure.holds(kStart + 2s));
  }

  TEST_CASE("an announcement that began earlier takes nothing away") {
    Tenure tenure(kFailover);
    tenure.announced(kStart);
    tenure.announced(kStart - 1s);
    CHECK(tenure.until() == kStart + 2s);
  }

  TEST_CASE("it is announced several times before it would end") {
    CHECK(Tenure::announce_every(kFailover) * 3 < Tenure::lease(kFailover));
  }
}

TEST_SUITE("standby: rule") {
  TEST_CASE("an owner that announces itself is never taken from") {
    Rig rig;
    for (int i = 0; i < 1000; ++i) {
      CHECK(rig.look() == Decision::wait);
      ++rig.sight.announcement;
      rig.now += kFailover / 2;
    }
  }

  TEST_CASE("an owner that is silent is taken from after the failover time, fenced") {
    Rig rig;
    CHECK(rig.look() == Decision::wait);
    CHECK(rig.until_taken() == kFailover);
    CHECK(rig.decision == Decision::take_fenced);
  }

  TEST_CASE("the lock alone does not say that an owner far away is dead") {
    Rig rig;
    rig.sight.has_lock = true;
    CHECK(rig.until_taken() == kFailover);
    CHECK(rig.decision == Decision::take_fenced);
  }

  TEST_CASE("where a lock ends with its process, the lock says it at once") {
    Rig rig(true);
    CHECK(rig.look() == Decision::wait);
    rig.sight.has_lock = true;
    CHECK(rig.look() == Decision::take);
  }

  TEST_CASE("one announcement begins the time anew") {
    Rig rig;
    CHECK(rig.until_taken(kFailover - 500ms) >= kFailover - 500ms);
    ++rig.sight.announcement;
    CHECK(rig.until_taken() == kFailover);
  }

  TEST_CASE("another owner begins the time anew, though its announcement is the same number") {
    Rig rig;
    CHECK(rig.until_taken(kFailover - 500ms) >= kFailover - 500ms);
    ++rig.sight.generation;
    CHECK(rig.until_taken() == kFailover);
  }

  TEST_CASE("an announcement may count backwards: only that it changes is looked at") {
    Rig rig;
    CHECK(rig.until_taken(kFailover - 500ms) >= kFailover - 500ms);
    rig.sight.announcement = 0;
    CHECK(rig.look() == Decision::wait);
  }

  TEST_CASE("the longer failover time of the two counts") {
    Rig rig;
    rig.sight.failover_after = 3 * kFailover;
    CHECK(rig.until_taken() == 3 * kFailover);
    Rig shorter;
    shorter.sight.failover_after = 1s;
    CHECK(shorter.until_taken() == kFailover);
  }

  TEST_CASE("a standby that was paused itself has not heard silence") {
    Rig rig;
    CHECK(rig.look() == Decision::wait);
    rig.now += 1h;
    CHECK(rig.look() == Decision::wait);
    CHECK(rig.until_taken() == kFailover);
  }

  TEST_CASE("a folder that cannot be read is no silence") {
    Rig rig;
    CHECK(rig.until_taken(kFailover - 500ms) >= kFailover - 500ms);
    rig.sight.owner = Owner::unreadable;
    CHECK(rig.until_taken(2 * kFailover) >= 2 * kFailover);
    CHECK_FALSE(rig.rule.silent_since());
    rig.sight.owner = Owner::owned;
    CHECK(rig.until_taken() == kFailover);
  }

  TEST_CASE("an owner that ended, died here, or never was, is followed at once with the lock") {
    for (const Owner owner : {Owner::ended, Owner::dead, Owner::nobody}) {
      Rig rig;
      rig.sight.owner = owner;
      rig.sight.has_lock = true;
      CHECK(rig.look() == Decision::take);
    }
  }

  // It may be a ventilator that has the lock and no record yet.
  TEST_CASE("without the lock nobody is followed who does not own the journal, ever") {
    for (const Owner owner : {Owner::ended, Owner::dead, Owner::nobody}) {
      Rig rig;
      rig.sight.owner = owner;
      CHECK(rig.until_taken(10 * kFailover) >= 10 * kFailover);
      CHECK(rig.decision == Decision::wait);
    }
  }

  TEST_CASE("the lock is tried where it can tell something") {
    const StandbyRule local(kFailover, true), shared(kFailover, false);
    CHECK(local.wants_lock(Owner::owned));
    CHECK_FALSE(shared.wants_lock(Owner::owned));
    for (const Owner owner : {Owner::ended, Owner::dead, Owner::nobody})
      CHECK(shared.wants_lock(owner));
    CHECK_FALSE(local.wants_lock(Owner::unreadable));
  }

  TEST_CASE("an owner's tenure has ended when a standby may take over") {
    Rig rig;
    Tenure tenure(kFailover);
    tenure.announced(rig.now);
    CHECK(rig.look() == Decision::wait);
    static_cast<void>(rig.until_taken());
    CHECK_FALSE(tenure.holds(rig.now));
    CHECK(rig.now - tenure.until() >= kFailover / 2);
  }
}
