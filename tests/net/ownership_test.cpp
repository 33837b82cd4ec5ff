// ownership_test.cpp: owning a journal, losing it, and standing by for it.
// SPDX-License-Identifier: MIT
#include "net/ownership.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <filesystem>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include <sluice/error.hpp>
#include <sluice/typed.hpp>
#include <sluice/ventilator.hpp>

#include "net/standby.hpp"
#include "net/standby_probe.hpp"
#include "store/journal_schema.hpp"
#include "support/temp_folder.hpp"

using namespace sluice;
using namespace std::chrono_literals;
using net::Ownership;
using net::Standby;

namespace {

struct Rig {
  TempFolder folder;
  VentilatorOptions options;
  Rig() {
    options.journal = folder.file("journal");
    options.sinks = {"tcp://127.0.0.1:9"};
    options.failover_after = 1s;
    std::filesystem::create_directory(options.journal);
  }
  store::OwnerFolder::Seen seen() const { return store::OwnerFolder(options.journal).look(); }
};

// A standby in this process, whose owner never is "gone": it takes over by lock or by silence.
bool takes_over(Standby& standby, std::chrono::milliseconds most = 20s) {
  const auto until = std::chrono::steady_clock::now() + most;
  while (std::chrono::steady_clock::now() < until)
    if (standby.wait(50ms)) return true;
  return false;
}

}  // namespace

TEST_SUITE("ownership") {
  TEST_CASE("an owner announces itself, and says when it has ended") {
    Rig rig;
    {
      const auto owner = Ownership::claim_locked(rig.options);
      owner->check();
      owner->begin_epoch(5);
      owner->listens_at("tcp://head:1", {"tcp://sink:2"});
      REQUIRE(rig.seen().record);
      CHECK(rig.seen().record->epoch == 5);
      CHECK(rig.seen().record->control == "tcp://head:1");
      CHECK_FALSE(rig.seen().record->ended);
    }
    CHECK(rig.seen().record->ended);
  }

  TEST_CASE("who was followed learns it at the next question, and stays superseded") {
    Rig rig;
    const auto owner = Ownership::claim_locked(rig.options);
    const auto next = Ownership::take(rig.options, rig.seen(), nullptr, true);
    REQUIRE(next);
    CHECK_THROWS_AS(owner->check_now(), Superseded);
    CHECK_THROWS_AS(owner->check_now(), Superseded);
    next->ownership->check_now();
    CHECK_FALSE(rig.seen().record->fence_due);
  }

  TEST_CASE("one of two who follow is refused") {
    Rig rig;
    const auto owner = Ownership::claim_locked(rig.options);
    const auto seen = rig.seen();
    const auto next = Ownership::take(rig.options, seen, nullptr, true);
    REQUIRE(next);
    CHECK_FALSE(Ownership::take(rig.options, seen, nullptr, true));
  }

  TEST_CASE("a ventilator that was followed throws, and the next one has what it accepted") {
    Rig rig;
    std::optional<Ventilator> old(rig.options);
    for (int i = 0; i < 10; ++i) (void)old->submit(Task::of("t", std::string("x")));
    old->flush();
    VentilatorOptions next = rig.options;
    next.takeover = Ownership::take(rig.options, rig.seen(), nullptr, true);
    REQUIRE(next.takeover);
    // Nobody waited for its silence here, so it has its tenure still; it finds out by itself.
    const auto finds_out = [&] {
      try {
        return old->standbys().empty() && false;
      } catch (const Superseded&) {
        return true;
      }
    };
    const auto until = std::chrono::steady_clock::now() + 20s;
    while (!finds_out() && std::chrono::steady_clock::now() < until) std::this_thread::yield();
    CHECK_THROWS_AS(
        {
          (void)old->submit(Task::of("t", std::string("late")));
          old->flush();
        },
        Superseded);
    old.reset();
    const Ventilator ventilator(next);
    CHECK(ventilator.unsettled() == 10);
  }

  TEST_CASE("a journal whose fence was never finished is fenced by whoever comes") {
    Rig rig;
    { const Ventilator first(rig.options); }
    const store::OwnerFolder folder(rig.options.journal);
    store::OwnerRecord half = net::record_of(rig.options);
    half.fence_due = true;
    half.ended = true;
    REQUIRE(folder.claim(folder.look(), half));
    const auto inode = [&] {
      store::JournalIdentity identity;
      store::identify(store::JournalDisk::real(), rig.options.journal + "/journal.db", identity);
      return identity.inode;
    };
    const auto before = inode();
    const Ventilator second(rig.options);
    CHECK(inode() != before);
    CHECK_FALSE(rig.seen().record->fence_due);
  }
}

TEST_SUITE("standby") {
  TEST_CASE("where nobody is active a standby is at once") {
    Rig rig;
    Standby standby(rig.options);
    CHECK(takes_over(standby));
    const Ventilator ventilator(standby.take_options());
    CHECK(ventilator.endpoint() == standby.endpoint());
  }

  TEST_CASE("a standby waits for the owner's end, and tells whose it is meanwhile") {
    Rig rig;
    std::optional<Ventilator> owner(rig.options);
    Standby standby(rig.options);
    CHECK_FALSE(takes_over(standby, 1500ms));
    CHECK(standby.text().find("standby of ") == 0);
    CHECK(standby.text().find(owner->endpoint()) != std::string::npos);
    CHECK(owner->standbys() == std::vector<std::string>{standby.endpoint()});
    owner.reset();
    CHECK(takes_over(standby));
  }

  TEST_CASE("whoever asks a standby is told so, and where the active one is") {
    Rig rig;
    const Ventilator owner(rig.options);
    Standby standby(rig.options);
    std::optional<net::StandbyAnswer> answer;
    std::thread asker([&] { answer = net::ask_standby(standby.endpoint(), 10s); });
    for (int i = 0; i < 40 && !standby.wait(25ms); ++i) continue;
    asker.join();
    REQUIRE(answer);
    CHECK(answer->active == owner.endpoint());
    CHECK(answer->text.find("standby of ") == 0);
    CHECK_FALSE(net::ask_standby(owner.endpoint(), 10s));
  }

  TEST_CASE("a standby with other sinks is refused") {
    Rig rig;
    const Ventilator owner(rig.options);
    VentilatorOptions other = rig.options;
    other.sinks = {"tcp://127.0.0.1:10"};
    CHECK_THROWS_WITH_AS(Standby{other}, doctest::Contains("--sink tcp://127.0.0.1:9"), Error);
    other.sinks = {"tcp://127.0.0.1:9", "tcp://127.0.0.1:10"};  // the list may grow
    CHECK_NOTHROW(Standby{other});
  }

  TEST_CASE("a standby that syncs otherwise is warned of it") {
    Rig rig;
    const Ventilator owner(rig.options);
    VentilatorOptions other = rig.options;
    other.journal_sync = 50ms;
    other.failover_after = 3s;
    CHECK(Standby(other).warnings().size() == 2);
  }

  TEST_CASE("a folder that holds something else is refused at the start") {
    Rig rig;
    write_file(rig.options.journal + "/journal.db", std::string(4096, 'x'));
    CHECK_THROWS_AS(Standby{rig.options}, Error);
  }
}
